BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE approval (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	step_id VARCHAR NOT NULL, 
	step_path VARCHAR NOT NULL, 
	node_id VARCHAR NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	question JSON NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	answer JSON, 
	decided_by VARCHAR, 
	created_at DATETIME NOT NULL, 
	decided_at DATETIME, taken BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_approval PRIMARY KEY (id), 
	CONSTRAINT fk_approval_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE, 
	CONSTRAINT fk_approval_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
INSERT INTO "approval" VALUES('apr_7ZB7N02GX3DW8B77CBS3RAGE5P','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRTK6GQ8TXXV1C2RXX5G','stp_7ZB7N02GX3DW8B77CBS3RAGE5P','check','check','approval','{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"waits","editable":true,"recovery":false}','open',NULL,NULL,'2026-12-01 15:46:41.508432',NULL,0);
INSERT INTO "approval" VALUES('apr_2JZ3JZX6FP2W45Y61AK1VK75YQ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JT8H6S562YV0KYV8DJ4X','stp_2JZ3JZX6FP2W45Y61AK1VK75YQ','check','check','approval','{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"was answered","editable":true,"recovery":false}','answered','{"choice":"approve","comment":"","value":null,"decided_by":"Ada"}','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.566102','2026-12-01 15:46:41.598002',1);
INSERT INTO "approval" VALUES('apr_6CPNXJFRY093MQ720M90CJZPRC','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTJSJT82722M6J5GC4GZ','stp_6CPNXJFRY093MQ720M90CJZPRC','check','check','approval','{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"c","editable":true,"recovery":false}','canceled',NULL,NULL,'2026-12-01 15:46:41.894339','2026-12-01 15:46:41.912533',0);
INSERT INTO "approval" VALUES('apr_60Y773W19BVHGXG0V6NY2D5WZY','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTMKVY5HCX4VCMAMGCT6','stp_60Y773W19BVHGXG0V6NY2D5WZY','check','check','approval','{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"p","editable":true,"recovery":false}','open',NULL,NULL,'2026-12-01 15:46:41.948774',NULL,0);
CREATE TABLE audit_entry (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR, 
	actor_id VARCHAR NOT NULL, 
	action VARCHAR(60) NOT NULL, 
	subject VARCHAR(100) NOT NULL, 
	details JSON NOT NULL, 
	request_id VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_audit_entry PRIMARY KEY (id)
);
INSERT INTO "audit_entry" VALUES('aud_01M8S4JRGFN0K3SCERJF93GB83','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.create','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW','{}','','2026-12-01 15:46:39.759088');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JRT6TXV5YQ63KJXEVV1A','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.create','wfl_01M8S4JRT47E2FRZJW34PH8SAA','{}','','2026-12-01 15:46:40.070377');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JT9YKF1M8AWYJ5MA6Y17','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','approval.answer','apr_2JZ3JZX6FP2W45Y61AK1VK75YQ','{"choice":"approve","run_id":"run_01M8S4JT8H6S562YV0KYV8DJ4X"}','','2026-12-01 15:46:41.598267');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTC0CQ75EDRW9B8B06F4','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.create','wfl_01M8S4JTBYH03EF68QQ9KM1HK1','{}','','2026-12-01 15:46:41.664521');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTD8K78RN7XBKZF8RYKR','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.create','wfl_01M8S4JTD691BATGNZ5Q0X90R3','{}','','2026-12-01 15:46:41.704121');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTE7CDMYQ135DR97DG1J','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.create','wfl_01M8S4JTE5PH6SXYTCNHR4PSVN','{}','','2026-12-01 15:46:41.735393');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTFMXR1BHP0FK578JC9Y','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.create','wfl_01M8S4JTFK8VDX787EHD7AWF89','{}','','2026-12-01 15:46:41.780684');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTG95ZNCTXGQE5XJJJ8M','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.delete','wfl_01M8S4JTFK8VDX787EHD7AWF89','{}','','2026-12-01 15:46:41.801691');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTGGC801AC02K1SZWD9T','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','workflow.create','wfl_01M8S4JTGF2HE107EN6Q80WEV6','{}','','2026-12-01 15:46:41.808550');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTHCD4VDEGD4HYXKD3D7','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','schedule.create','sch_01M8S4JTH8FV32KVEMK0GQ9A03','{"workflow_id":"wfl_01M8S4JRGAFMWESQJ3JQ60BZKW"}','','2026-12-01 15:46:41.836861');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTKRR8NQ916QHSZT9S58','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','run.cancel','run_01M8S4JTJSJT82722M6J5GC4GZ','{}','','2026-12-01 15:46:41.912319');
INSERT INTO "audit_entry" VALUES('aud_01M8S4JTN7NZYPD9FMWS2HSF6F','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','run.pause','run_01M8S4JTMKVY5HCX4VCMAMGCT6','{}','','2026-12-01 15:46:41.960041');
CREATE TABLE "blob" (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	run_id VARCHAR, 
	sha256 VARCHAR(64) NOT NULL, 
	size_bytes INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	part INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_blob PRIMARY KEY (id, part), 
	CONSTRAINT fk_blob_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE, 
	CONSTRAINT fk_blob_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE llm_call (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	step_path VARCHAR NOT NULL, 
	span_id VARCHAR NOT NULL, 
	provider VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	input_tokens INTEGER NOT NULL, 
	output_tokens INTEGER NOT NULL, 
	cached_tokens INTEGER NOT NULL, 
	cost_microusd BIGINT, 
	duration_ms INTEGER NOT NULL, 
	at DATETIME NOT NULL, is_estimated BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_llm_call PRIMARY KEY (id), 
	CONSTRAINT fk_llm_call_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE, 
	CONSTRAINT fk_llm_call_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
CREATE TABLE member (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	user_id VARCHAR NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_member PRIMARY KEY (id), 
	CONSTRAINT fk_member_user_id FOREIGN KEY(user_id) REFERENCES user_account (id) ON DELETE CASCADE, 
	CONSTRAINT fk_member_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE, 
	CONSTRAINT uq_member_workspace_id_user_id UNIQUE (workspace_id, user_id)
);
INSERT INTO "member" VALUES('mem_01M8S4JRFV2RZ47DMNXBYD2WPS','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','usr_01M8S4JRE0C16N0A2RE4YQH3AP','owner','2026-12-01 15:46:39.739241');
CREATE TABLE memory_value (
	workspace_id VARCHAR NOT NULL, 
	scope VARCHAR(40) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	value JSON, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_memory_value PRIMARY KEY (workspace_id, scope, "key"), 
	CONSTRAINT fk_memory_value_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
INSERT INTO "memory_value" VALUES('wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTE5PH6SXYTCNHR4PSVN','k','"kept"','2026-12-01 15:46:41.766343');
CREATE TABLE model_price (
	model VARCHAR(200) NOT NULL, 
	input_usd_per_mtok FLOAT NOT NULL, 
	output_usd_per_mtok FLOAT NOT NULL, 
	updated_at DATETIME NOT NULL, 
	updated_by VARCHAR NOT NULL, 
	CONSTRAINT pk_model_price PRIMARY KEY (model)
);
CREATE TABLE project (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_project PRIMARY KEY (id), 
	CONSTRAINT fk_project_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
INSERT INTO "project" VALUES('prj_01M8S4JRG07VT8B8MMKRZVZ5TD','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','First','2026-12-01 15:46:39.744889');
CREATE TABLE run (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	workflow_id VARCHAR NOT NULL, 
	version_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	"trigger" VARCHAR(40) NOT NULL, 
	started_by VARCHAR, 
	idempotency_key VARCHAR(200), 
	request_hash VARCHAR(64), 
	input JSON, 
	output JSON, 
	error JSON, 
	tokens INTEGER NOT NULL, 
	cost_microusd BIGINT NOT NULL, 
	unpriced BOOLEAN NOT NULL, 
	control VARCHAR(20), 
	epoch INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	worker VARCHAR, 
	lease_until DATETIME, 
	queued_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, priority INTEGER DEFAULT '1' NOT NULL, concurrency_key VARCHAR(200), limits JSON, pins JSON, parent_run_id VARCHAR, parent_path VARCHAR, depth INTEGER DEFAULT '0' NOT NULL, forked_from VARCHAR, fork_path VARCHAR, dead_at DATETIME, requeued_as VARCHAR, crash_seq INTEGER DEFAULT '0' NOT NULL, worked_s FLOAT DEFAULT '0' NOT NULL, warning_count INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_run PRIMARY KEY (id), 
	CONSTRAINT fk_run_version_id FOREIGN KEY(version_id) REFERENCES workflow_version (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_workflow_id FOREIGN KEY(workflow_id) REFERENCES workflow (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE, 
	CONSTRAINT uq_run_workspace_id_idempotency_key UNIQUE (workspace_id, idempotency_key)
);
INSERT INTO "run" VALUES('run_01M8S4JRQB79EXKQYJGPGHPFV3','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW','ver_01M8S4JRHAGSVFAMN51R3BJWDJ',1,'succeeded','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP','first','786d871b59c1ff68754e3a1026c8369d124c45c92bb13d2f33fc23ec8132873c','{"name":"Ada"}','"Hi Ada"',NULL,0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:39.979125','2026-12-01 15:46:39.979125','2026-12-01 15:46:39.992097',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JRSE1B78797TRQRPB7NS','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW','ver_01M8S4JRSADGYBQ094R2P2EB5G',2,'succeeded','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'8a7c15116785b580dc1e83b3c5ec5aa095457d3cec75fa08d1770bb885a0e0e9','{"name":"Eve"}','"Hello Eve"',NULL,0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:40.046120','2026-12-01 15:46:40.046120','2026-12-01 15:46:40.052749',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JRTK6GQ8TXXV1C2RXX5G','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRT47E2FRZJW34PH8SAA','ver_01M8S4JRTDFQBFGJ5KZ2ZY5XQA',3,'waiting','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'d96b470d5b44b7518228c5d816a104579737ad29d33a944f1cea548f776cb8d2','{"text":"waits"}',NULL,NULL,0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:40.083925','2026-12-01 15:46:40.088353',NULL,1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,1.66597631600052409339e+00,0);
INSERT INTO "run" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRT47E2FRZJW34PH8SAA','ver_01M8S4JRTDFQBFGJ5KZ2ZY5XQA',4,'succeeded','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'c797cb2918f22a8601de291b4b135daf356562de4d6ff3ca9853e2523942e850','{"text":"was answered"}','"was answered"',NULL,0,0,0,NULL,2,0,NULL,NULL,'2026-12-01 15:46:41.553632','2026-12-01 15:46:41.557822','2026-12-01 15:46:41.649511',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTBYH03EF68QQ9KM1HK1','ver_01M8S4JTC6V4PRS5023RNZAG12',5,'succeeded','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'9f82a75d2aefba449f86f2a199e3ea50e47604c94420cbf204b71a5452d41bc2','{"items":[1,2,3]}','["no. 1","no. 2","no. 3"]',NULL,0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:41.677223','2026-12-01 15:46:41.682496','2026-12-01 15:46:41.695270',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTDKJ2EZ6M3D4JT3SEA5','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTD691BATGNZ5Q0X90R3','ver_01M8S4JTDFK2Z5TRGYQ8MMPTET',6,'failed','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'034cca452885a03fc09048c24306c41b4157dd9e6e6b7fc82172927edea62318','{"name":"x"}',NULL,'{"code":"expression_error","message":"In “Text”: `trigger.name` is a text, it has no field `missing`.","field":"template","node_id":"call"}',0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:41.715262','2026-12-01 15:46:41.715262','2026-12-01 15:46:41.721092',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTE5PH6SXYTCNHR4PSVN','ver_01M8S4JTEE0FHY66PBEB4380KQ',7,'succeeded','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'1bbc04b454b5cdb61ab558a6ee343f01072f5a9eb94c3bea7f1268cd951cdec0','{"text":"kept"}','"done"',NULL,0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:41.748706','2026-12-01 15:46:41.752720','2026-12-01 15:46:41.773632',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTFW6SG67WR4SRHBNHSQ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTFK8VDX787EHD7AWF89','ver_01M8S4JTFVJRKKJVZPEHPA0EEK',8,'succeeded','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'4cf2c967b86ef50f0b3afd6fa207afe4651e305f46555f40988170e4e52e6365','{"name":"Old"}','"Hi Old"',NULL,0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:41.788837','2026-12-01 15:46:41.788837','2026-12-01 15:46:41.794116',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTJA2YXZECKHG6NS7R4J','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW','ver_01M8S4JTJ8EAHD5J26MC6ZN0C3',9,'succeeded','schedule','system','sch_01M8S4JTH8FV32KVEMK0GQ9A03@2026-12-01T18:00:00+00:00','78c12f56ed5bcde13002a9db1783fc576e61e6feff3193289048e6539ac19a20','{"name":"Hourly"}','"Hello Hourly"',NULL,0,0,0,NULL,1,0,NULL,NULL,'2026-12-01 15:46:41.866442','2026-12-01 15:46:41.866442','2026-12-01 15:46:41.872885',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRT47E2FRZJW34PH8SAA','ver_01M8S4JRTDFQBFGJ5KZ2ZY5XQA',10,'canceled','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'05860edb028d231a818e2e44bf84a77f521e200abfb5fb46c2a3fbd46e294471','{"text":"c"}',NULL,NULL,0,0,0,NULL,2,0,NULL,NULL,'2026-12-01 15:46:41.881794','2026-12-01 15:46:41.888026','2026-12-01 15:46:41.912533',1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTMKVY5HCX4VCMAMGCT6','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRT47E2FRZJW34PH8SAA','ver_01M8S4JRTDFQBFGJ5KZ2ZY5XQA',11,'paused','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'62effd905550a7078d70cf6e974711c626a253b76c6bb6a788c3a790b605ad13','{"text":"p"}',NULL,NULL,0,0,0,'pause',2,0,NULL,NULL,'2026-12-01 15:46:41.939184','2026-12-01 15:46:41.942092',NULL,1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
INSERT INTO "run" VALUES('run_01M8S4JTNNHK2RV1ENC8PKZ0XA','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW','ver_01M8S4JTJ8EAHD5J26MC6ZN0C3',12,'pending','manual','usr_01M8S4JRE0C16N0A2RE4YQH3AP',NULL,'aeedbe219d9db818a8ef0e29dbfd3b6918442a7e46b107a361b0b5740deafee8','{"name":"Late"}','"Hello Late"',NULL,0,0,0,NULL,2,0,NULL,NULL,'2026-12-01 15:46:41.973601','2026-12-01 15:46:41.973601',NULL,1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,0.0,0);
CREATE TABLE run_event (
	run_id VARCHAR NOT NULL, 
	seq INTEGER NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	type VARCHAR(40) NOT NULL, 
	node_id VARCHAR, 
	path VARCHAR, 
	span_id VARCHAR, 
	payload JSON NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_run_event PRIMARY KEY (run_id, seq), 
	CONSTRAINT fk_run_event_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_event_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
INSERT INTO "run_event" VALUES('run_01M8S4JRQB79EXKQYJGPGHPFV3',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:39.979125Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:39.989365');
INSERT INTO "run_event" VALUES('run_01M8S4JRQB79EXKQYJGPGHPFV3',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_1A1PKG8P99SBKTTMAHZKW574WE","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:39.989857Z","finished_at":"2026-12-01T15:46:39.990135Z","error":null,"warnings":[],"alive":null,"preview":"{\"name\":\"Ada\"}"}}','2026-12-01 15:46:39.990197');
INSERT INTO "run_event" VALUES('run_01M8S4JRQB79EXKQYJGPGHPFV3',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','greet','greet',NULL,'{"step":{"id":"stp_58E6TR33A86XEX8Y50XXPE6NCY","node_id":"greet","path":"greet","kind":"data.template","label":"Greet","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:39.990353Z","finished_at":"2026-12-01T15:46:39.990724Z","error":null,"warnings":[],"alive":null,"preview":"Hi Ada"}}','2026-12-01 15:46:39.990766');
INSERT INTO "run_event" VALUES('run_01M8S4JRQB79EXKQYJGPGHPFV3',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_7J34MCBMPDB5FS4AQ18WRM31G3","node_id":"answer","path":"answer","kind":"flow.respond","label":"Answer","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:39.990879Z","finished_at":"2026-12-01T15:46:39.991060Z","error":null,"warnings":[],"alive":null,"preview":"Hi Ada"}}','2026-12-01 15:46:39.991093');
INSERT INTO "run_event" VALUES('run_01M8S4JRQB79EXKQYJGPGHPFV3',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":"Hi Ada"}','2026-12-01 15:46:39.991131');
INSERT INTO "run_event" VALUES('run_01M8S4JRQB79EXKQYJGPGHPFV3',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.completed',NULL,NULL,NULL,'{"run":{"status":"succeeded","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:39.979125Z","finished_at":"2026-12-01T15:46:39.992097Z","warning_count":0}}','2026-12-01 15:46:39.992130');
INSERT INTO "run_event" VALUES('run_01M8S4JRSE1B78797TRQRPB7NS',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:40.046120Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:40.050519');
INSERT INTO "run_event" VALUES('run_01M8S4JRSE1B78797TRQRPB7NS',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_2SYRDQWBMV33WS70XEXK6QACDX","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:40.051054Z","finished_at":"2026-12-01T15:46:40.051330Z","error":null,"warnings":[],"alive":null,"preview":"{\"name\":\"Eve\"}"}}','2026-12-01 15:46:40.051394');
INSERT INTO "run_event" VALUES('run_01M8S4JRSE1B78797TRQRPB7NS',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','greet','greet',NULL,'{"step":{"id":"stp_7XP7CTQ4XVSABV54SVBKQTNYMG","node_id":"greet","path":"greet","kind":"data.template","label":"Hello","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:40.051531Z","finished_at":"2026-12-01T15:46:40.051830Z","error":null,"warnings":[],"alive":null,"preview":"Hello Eve"}}','2026-12-01 15:46:40.051871');
INSERT INTO "run_event" VALUES('run_01M8S4JRSE1B78797TRQRPB7NS',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_1HZKG0JBHST9VS36BJVXBK82KP","node_id":"answer","path":"answer","kind":"flow.respond","label":"Answer","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:40.051980Z","finished_at":"2026-12-01T15:46:40.052180Z","error":null,"warnings":[],"alive":null,"preview":"Hello Eve"}}','2026-12-01 15:46:40.052219');
INSERT INTO "run_event" VALUES('run_01M8S4JRSE1B78797TRQRPB7NS',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":"Hello Eve"}','2026-12-01 15:46:40.052264');
INSERT INTO "run_event" VALUES('run_01M8S4JRSE1B78797TRQRPB7NS',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.completed',NULL,NULL,NULL,'{"run":{"status":"succeeded","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:40.046120Z","finished_at":"2026-12-01T15:46:40.052749Z","warning_count":0}}','2026-12-01 15:46:40.052785');
INSERT INTO "run_event" VALUES('run_01M8S4JRTK6GQ8TXXV1C2RXX5G',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:40.088353Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:40.098369');
INSERT INTO "run_event" VALUES('run_01M8S4JRTK6GQ8TXXV1C2RXX5G',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_12ZR8W0VP34336TT2DMHZY6SV9","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.506941Z","finished_at":"2026-12-01T15:46:41.507303Z","error":null,"warnings":[],"alive":null,"preview":"{\"text\":\"waits\"}"}}','2026-12-01 15:46:41.507397');
INSERT INTO "run_event" VALUES('run_01M8S4JRTK6GQ8TXXV1C2RXX5G',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.started','check','check',NULL,'{"step":{"id":"stp_7ZB7N02GX3DW8B77CBS3RAGE5P","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"running","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.507715Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.508021');
INSERT INTO "run_event" VALUES('run_01M8S4JRTK6GQ8TXXV1C2RXX5G',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.waiting_human','check','check',NULL,'{"step":{"id":"stp_7ZB7N02GX3DW8B77CBS3RAGE5P","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"waiting_human","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.507715Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""},"approval_id":"apr_7ZB7N02GX3DW8B77CBS3RAGE5P","question":{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"waits","editable":true,"recovery":false}}','2026-12-01 15:46:41.508261');
INSERT INTO "run_event" VALUES('run_01M8S4JRTK6GQ8TXXV1C2RXX5G',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.waiting',NULL,NULL,NULL,'{"run":{"status":"waiting","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:40.088353Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.516322');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.557822Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.562129');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_04ZY02AHJQ6CA9YMC7JXD6P2FD","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.564533Z","finished_at":"2026-12-01T15:46:41.564875Z","error":null,"warnings":[],"alive":null,"preview":"{\"text\":\"was answered\"}"}}','2026-12-01 15:46:41.564957');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.started','check','check',NULL,'{"step":{"id":"stp_2JZ3JZX6FP2W45Y61AK1VK75YQ","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"running","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.565184Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.565441');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.waiting_human','check','check',NULL,'{"step":{"id":"stp_2JZ3JZX6FP2W45Y61AK1VK75YQ","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"waiting_human","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.565184Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""},"approval_id":"apr_2JZ3JZX6FP2W45Y61AK1VK75YQ","question":{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"was answered","editable":true,"recovery":false}}','2026-12-01 15:46:41.565949');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.waiting',NULL,NULL,NULL,'{"run":{"status":"waiting","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.557822Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.569272');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.progress',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.557822Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.645528');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',7,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.started','check','check',NULL,'{"step":{"id":"stp_2JZ3JZX6FP2W45Y61AK1VK75YQ","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"running","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.565184Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.647638');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',8,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','check','check',NULL,'{"step":{"id":"stp_2JZ3JZX6FP2W45Y61AK1VK75YQ","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.565184Z","finished_at":"2026-12-01T15:46:41.647857Z","error":null,"warnings":[],"alive":["approved"],"preview":"{\"approved\":\"was answered\",\"comment\":\"\",\"decided_by\":\"Ada\"}"}}','2026-12-01 15:46:41.647950');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',9,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_5SWPP5NW1GT6C89PEFFHMQJ6BJ","node_id":"answer","path":"answer","kind":"flow.respond","label":"Answer","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.648329Z","finished_at":"2026-12-01T15:46:41.648555Z","error":null,"warnings":[],"alive":null,"preview":"was answered"}}','2026-12-01 15:46:41.648591');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',10,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":"was answered"}','2026-12-01 15:46:41.648645');
INSERT INTO "run_event" VALUES('run_01M8S4JT8H6S562YV0KYV8DJ4X',11,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.completed',NULL,NULL,NULL,'{"run":{"status":"succeeded","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.557822Z","finished_at":"2026-12-01T15:46:41.649511Z","warning_count":0}}','2026-12-01 15:46:41.649540');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.682496Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.688298');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_4E9K6C82GQAQGRTQTSWX4BFDTQ","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.691048Z","finished_at":"2026-12-01T15:46:41.691559Z","error":null,"warnings":[],"alive":null,"preview":"{\"items\":[1,2,3]}"}}','2026-12-01 15:46:41.691611');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.started','rows','rows',NULL,'{"step":{"id":"stp_5M4HNPQVFJZJDKQB55SAMC2VAE","node_id":"rows","path":"rows","kind":"logic.for_each","label":"Rows","status":"running","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.691769Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.691962');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','line','rows[0]/line',NULL,'{"step":{"id":"stp_7FMGQ5C65MRG53N99JPCZWYDC7","node_id":"line","path":"rows[0]/line","kind":"data.template","label":"Line","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.692388Z","finished_at":"2026-12-01T15:46:41.692575Z","error":null,"warnings":[],"alive":null,"preview":"no. 1"}}','2026-12-01 15:46:41.692613');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','line','rows[1]/line',NULL,'{"step":{"id":"stp_6DEZ88N6EAVHVFRER8DSWNE1MK","node_id":"line","path":"rows[1]/line","kind":"data.template","label":"Line","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.692798Z","finished_at":"2026-12-01T15:46:41.692924Z","error":null,"warnings":[],"alive":null,"preview":"no. 2"}}','2026-12-01 15:46:41.692962');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','line','rows[2]/line',NULL,'{"step":{"id":"stp_1MHSXYPXPD6R1Q8Q6610WFKGWH","node_id":"line","path":"rows[2]/line","kind":"data.template","label":"Line","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.693082Z","finished_at":"2026-12-01T15:46:41.693200Z","error":null,"warnings":[],"alive":null,"preview":"no. 3"}}','2026-12-01 15:46:41.693229');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',7,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','rows','rows',NULL,'{"step":{"id":"stp_5M4HNPQVFJZJDKQB55SAMC2VAE","node_id":"rows","path":"rows","kind":"logic.for_each","label":"Rows","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.691769Z","finished_at":"2026-12-01T15:46:41.693441Z","error":null,"warnings":[],"alive":null,"preview":"{\"results\":[\"no. 1\",\"no. 2\",\"no. 3\"],\"failed\":[]}"}}','2026-12-01 15:46:41.693479');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',8,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_711SAD2A45YH0Y6N9RFWTANEQW","node_id":"answer","path":"answer","kind":"flow.respond","label":"Answer","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.693835Z","finished_at":"2026-12-01T15:46:41.694013Z","error":null,"warnings":[],"alive":null,"preview":"[\"no. 1\",\"no. 2\",\"no. 3\"]"}}','2026-12-01 15:46:41.694059');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',9,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":["no. 1","no. 2","no. 3"]}','2026-12-01 15:46:41.694112');
INSERT INTO "run_event" VALUES('run_01M8S4JTCD021MDPWP4WAVSXHJ',10,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.completed',NULL,NULL,NULL,'{"run":{"status":"succeeded","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.682496Z","finished_at":"2026-12-01T15:46:41.695270Z","warning_count":0}}','2026-12-01 15:46:41.695311');
INSERT INTO "run_event" VALUES('run_01M8S4JTDKJ2EZ6M3D4JT3SEA5',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.715262Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.719877');
INSERT INTO "run_event" VALUES('run_01M8S4JTDKJ2EZ6M3D4JT3SEA5',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_1MJQ4EFS6QA95GWRTEAN6QPMAJ","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.720195Z","finished_at":"2026-12-01T15:46:41.720386Z","error":null,"warnings":[],"alive":null,"preview":"{\"name\":\"x\"}"}}','2026-12-01 15:46:41.720431');
INSERT INTO "run_event" VALUES('run_01M8S4JTDKJ2EZ6M3D4JT3SEA5',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.failed','call','call',NULL,'{"step":{"id":"stp_4TE6CQMA9HTFAAMWW9Q1VHJPJ8","node_id":"call","path":"call","kind":"data.template","label":"Call","status":"failed","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.720523Z","finished_at":"2026-12-01T15:46:41.720735Z","error":{"code":"expression_error","message":"In “Text”: `trigger.name` is a text, it has no field `missing`.","field":"template"},"warnings":[],"alive":[],"preview":""}}','2026-12-01 15:46:41.720766');
INSERT INTO "run_event" VALUES('run_01M8S4JTDKJ2EZ6M3D4JT3SEA5',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.failed',NULL,NULL,NULL,'{"run":{"status":"failed","tokens":0,"cost_usd":0.0,"error":{"code":"expression_error","message":"In “Text”: `trigger.name` is a text, it has no field `missing`.","field":"template","node_id":"call"},"started_at":"2026-12-01T15:46:41.715262Z","finished_at":"2026-12-01T15:46:41.721092Z","warning_count":0}}','2026-12-01 15:46:41.721115');
INSERT INTO "run_event" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.752720Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.757110');
INSERT INTO "run_event" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_6NRCR0S39BJ8A8HKVXV3A2P1JZ","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.759299Z","finished_at":"2026-12-01T15:46:41.759528Z","error":null,"warnings":[],"alive":null,"preview":"{\"text\":\"kept\"}"}}','2026-12-01 15:46:41.759579');
INSERT INTO "run_event" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.started','keep','keep',NULL,'{"step":{"id":"stp_3QTYVHMCY60TBMK6RJFQZP4WM9","node_id":"keep","path":"keep","kind":"memory.key_value","label":"Keep","status":"running","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.759836Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.760031');
INSERT INTO "run_event" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','keep','keep',NULL,'{"step":{"id":"stp_3QTYVHMCY60TBMK6RJFQZP4WM9","node_id":"keep","path":"keep","kind":"memory.key_value","label":"Keep","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.759836Z","finished_at":"2026-12-01T15:46:41.770519Z","error":null,"warnings":[],"alive":null,"preview":"{\"value\":\"kept\",\"found\":false}"}}','2026-12-01 15:46:41.770622');
INSERT INTO "run_event" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_5BBH4BNF39E9A0XA4BNX9RBWVR","node_id":"answer","path":"answer","kind":"flow.respond","label":"Answer","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.772321Z","finished_at":"2026-12-01T15:46:41.772575Z","error":null,"warnings":[],"alive":null,"preview":"done"}}','2026-12-01 15:46:41.772621');
INSERT INTO "run_event" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":"done"}','2026-12-01 15:46:41.772713');
INSERT INTO "run_event" VALUES('run_01M8S4JTEMCJ78YJCT18A5QD5Q',7,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.completed',NULL,NULL,NULL,'{"run":{"status":"succeeded","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.752720Z","finished_at":"2026-12-01T15:46:41.773632Z","warning_count":0}}','2026-12-01 15:46:41.773691');
INSERT INTO "run_event" VALUES('run_01M8S4JTFW6SG67WR4SRHBNHSQ',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.788837Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.792575');
INSERT INTO "run_event" VALUES('run_01M8S4JTFW6SG67WR4SRHBNHSQ',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_1JYZ42RCB9HHE97G8CAZX56VAS","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.792922Z","finished_at":"2026-12-01T15:46:41.793119Z","error":null,"warnings":[],"alive":null,"preview":"{\"name\":\"Old\"}"}}','2026-12-01 15:46:41.793166');
INSERT INTO "run_event" VALUES('run_01M8S4JTFW6SG67WR4SRHBNHSQ',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','greet','greet',NULL,'{"step":{"id":"stp_4MKAW6KHHE4JBEX315KM47M1F8","node_id":"greet","path":"greet","kind":"data.template","label":"Greet","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.793263Z","finished_at":"2026-12-01T15:46:41.793443Z","error":null,"warnings":[],"alive":null,"preview":"Hi Old"}}','2026-12-01 15:46:41.793474');
INSERT INTO "run_event" VALUES('run_01M8S4JTFW6SG67WR4SRHBNHSQ',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_0ZHQ13X9VQ5PZFAYYPAWRN7YYR","node_id":"answer","path":"answer","kind":"flow.respond","label":"Answer","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.793556Z","finished_at":"2026-12-01T15:46:41.793721Z","error":null,"warnings":[],"alive":null,"preview":"Hi Old"}}','2026-12-01 15:46:41.793753');
INSERT INTO "run_event" VALUES('run_01M8S4JTFW6SG67WR4SRHBNHSQ',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":"Hi Old"}','2026-12-01 15:46:41.793778');
INSERT INTO "run_event" VALUES('run_01M8S4JTFW6SG67WR4SRHBNHSQ',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.completed',NULL,NULL,NULL,'{"run":{"status":"succeeded","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.788837Z","finished_at":"2026-12-01T15:46:41.794116Z","warning_count":0}}','2026-12-01 15:46:41.794142');
INSERT INTO "run_event" VALUES('run_01M8S4JTJA2YXZECKHG6NS7R4J',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.866442Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.871242');
INSERT INTO "run_event" VALUES('run_01M8S4JTJA2YXZECKHG6NS7R4J',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_4V1FW41YSFR5NACCKSGSP23B81","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.871513Z","finished_at":"2026-12-01T15:46:41.871730Z","error":null,"warnings":[],"alive":null,"preview":"{\"name\":\"Hourly\"}"}}','2026-12-01 15:46:41.871766');
INSERT INTO "run_event" VALUES('run_01M8S4JTJA2YXZECKHG6NS7R4J',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','greet','greet',NULL,'{"step":{"id":"stp_1WKBZVNGMGG3NNS4WTWE8RD9HB","node_id":"greet","path":"greet","kind":"data.template","label":"Hello","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.871841Z","finished_at":"2026-12-01T15:46:41.871984Z","error":null,"warnings":[],"alive":null,"preview":"Hello Hourly"}}','2026-12-01 15:46:41.872006');
INSERT INTO "run_event" VALUES('run_01M8S4JTJA2YXZECKHG6NS7R4J',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_0GE6587ESJ3K56XN2ZHS31YQBS","node_id":"answer","path":"answer","kind":"flow.respond","label":"Reply","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.872064Z","finished_at":"2026-12-01T15:46:41.872180Z","error":null,"warnings":[],"alive":null,"preview":"Hello Hourly"}}','2026-12-01 15:46:41.872210');
INSERT INTO "run_event" VALUES('run_01M8S4JTJA2YXZECKHG6NS7R4J',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":"Hello Hourly"}','2026-12-01 15:46:41.872242');
INSERT INTO "run_event" VALUES('run_01M8S4JTJA2YXZECKHG6NS7R4J',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.completed',NULL,NULL,NULL,'{"run":{"status":"succeeded","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.866442Z","finished_at":"2026-12-01T15:46:41.872885Z","warning_count":0}}','2026-12-01 15:46:41.872905');
INSERT INTO "run_event" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.888026Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.891174');
INSERT INTO "run_event" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_02KTK2P41GFN3C33NVPY91HK8A","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.893141Z","finished_at":"2026-12-01T15:46:41.893412Z","error":null,"warnings":[],"alive":null,"preview":"{\"text\":\"c\"}"}}','2026-12-01 15:46:41.893472');
INSERT INTO "run_event" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.started','check','check',NULL,'{"step":{"id":"stp_6CPNXJFRY093MQ720M90CJZPRC","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"running","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.893707Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.893936');
INSERT INTO "run_event" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.waiting_human','check','check',NULL,'{"step":{"id":"stp_6CPNXJFRY093MQ720M90CJZPRC","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"waiting_human","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.893707Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""},"approval_id":"apr_6CPNXJFRY093MQ720M90CJZPRC","question":{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"c","editable":true,"recovery":false}}','2026-12-01 15:46:41.894169');
INSERT INTO "run_event" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.waiting',NULL,NULL,NULL,'{"run":{"status":"waiting","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.888026Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.899080');
INSERT INTO "run_event" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.canceled','check','check',NULL,'{"step":{"id":"stp_6CPNXJFRY093MQ720M90CJZPRC","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"canceled","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.893707Z","finished_at":"2026-12-01T15:46:41.912533Z","error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.918350');
INSERT INTO "run_event" VALUES('run_01M8S4JTJSJT82722M6J5GC4GZ',7,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.canceled',NULL,NULL,NULL,'{"run":{"status":"canceled","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.888026Z","finished_at":"2026-12-01T15:46:41.912533Z","warning_count":0}}','2026-12-01 15:46:41.926576');
INSERT INTO "run_event" VALUES('run_01M8S4JTMKVY5HCX4VCMAMGCT6',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.942092Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.944882');
INSERT INTO "run_event" VALUES('run_01M8S4JTMKVY5HCX4VCMAMGCT6',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_0R9PNV1T61G95JVP44MRZ5S4T9","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.948094Z","finished_at":"2026-12-01T15:46:41.948272Z","error":null,"warnings":[],"alive":null,"preview":"{\"text\":\"p\"}"}}','2026-12-01 15:46:41.948318');
INSERT INTO "run_event" VALUES('run_01M8S4JTMKVY5HCX4VCMAMGCT6',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.started','check','check',NULL,'{"step":{"id":"stp_60Y773W19BVHGXG0V6NY2D5WZY","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"running","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.948416Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""}}','2026-12-01 15:46:41.948533');
INSERT INTO "run_event" VALUES('run_01M8S4JTMKVY5HCX4VCMAMGCT6',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.waiting_human','check','check',NULL,'{"step":{"id":"stp_60Y773W19BVHGXG0V6NY2D5WZY","node_id":"check","path":"check","kind":"human.approval","label":"Check","status":"waiting_human","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.948416Z","finished_at":null,"error":null,"warnings":[],"alive":null,"preview":""},"approval_id":"apr_60Y773W19BVHGXG0V6NY2D5WZY","question":{"kind":"approval","title":"Send it?","body":"","choices":["approve","reject"],"value":"p","editable":true,"recovery":false}}','2026-12-01 15:46:41.948680');
INSERT INTO "run_event" VALUES('run_01M8S4JTMKVY5HCX4VCMAMGCT6',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.waiting',NULL,NULL,NULL,'{"run":{"status":"waiting","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.942092Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.950884');
INSERT INTO "run_event" VALUES('run_01M8S4JTMKVY5HCX4VCMAMGCT6',6,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.paused',NULL,NULL,NULL,'{"run":{"status":"paused","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.942092Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.963763');
INSERT INTO "run_event" VALUES('run_01M8S4JTNNHK2RV1ENC8PKZ0XA',1,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.started',NULL,NULL,NULL,'{"run":{"status":"running","tokens":0,"cost_usd":0.0,"error":null,"started_at":"2026-12-01T15:46:41.973601Z","finished_at":null,"warning_count":0}}','2026-12-01 15:46:41.977485');
INSERT INTO "run_event" VALUES('run_01M8S4JTNNHK2RV1ENC8PKZ0XA',2,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','start','start',NULL,'{"step":{"id":"stp_75940K150J9ZQYWQ1SSMX00ZHF","node_id":"start","path":"start","kind":"trigger.manual","label":"Start","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.977796Z","finished_at":"2026-12-01T15:46:41.977976Z","error":null,"warnings":[],"alive":null,"preview":"{\"name\":\"Late\"}"}}','2026-12-01 15:46:41.978015');
INSERT INTO "run_event" VALUES('run_01M8S4JTNNHK2RV1ENC8PKZ0XA',3,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','greet','greet',NULL,'{"step":{"id":"stp_066NGE2Z51S2XB77XYEHQJ7PQT","node_id":"greet","path":"greet","kind":"data.template","label":"Hello","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.978092Z","finished_at":"2026-12-01T15:46:41.978227Z","error":null,"warnings":[],"alive":null,"preview":"Hello Late"}}','2026-12-01 15:46:41.978248');
INSERT INTO "run_event" VALUES('run_01M8S4JTNNHK2RV1ENC8PKZ0XA',4,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','step.completed','answer','answer',NULL,'{"step":{"id":"stp_6MCP7YA9AKA1KCBD8BVDD7DYZ9","node_id":"answer","path":"answer","kind":"flow.respond","label":"Reply","status":"succeeded","origin":null,"attempt":1,"tokens":0,"cost_usd":0.0,"started_at":"2026-12-01T15:46:41.978301Z","finished_at":"2026-12-01T15:46:41.978390Z","error":null,"warnings":[],"alive":null,"preview":"Hello Late"}}','2026-12-01 15:46:41.978409');
INSERT INTO "run_event" VALUES('run_01M8S4JTNNHK2RV1ENC8PKZ0XA',5,'wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run.responded','answer','answer',NULL,'{"output":"Hello Late"}','2026-12-01 15:46:41.978426');
CREATE TABLE schedule (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	workflow_id VARCHAR NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	cron VARCHAR(200) NOT NULL, 
	timezone VARCHAR(64) NOT NULL, 
	input JSON, 
	enabled BOOLEAN NOT NULL, 
	missed VARCHAR(10) NOT NULL, 
	next_at DATETIME, 
	planned_at DATETIME, 
	created_by VARCHAR, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	CONSTRAINT pk_schedule PRIMARY KEY (id), 
	CONSTRAINT fk_schedule_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE, 
	CONSTRAINT fk_schedule_workflow_id FOREIGN KEY(workflow_id) REFERENCES workflow (id) ON DELETE CASCADE
);
INSERT INTO "schedule" VALUES('sch_01M8S4JTH8FV32KVEMK0GQ9A03','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW','Greeting','0 * * * *','UTC','{"name":"Hourly"}',1,'once','2026-12-01 19:00:00.000000','2026-12-01 18:00:00.000000','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.832639','2026-12-01 15:46:41.832639',NULL);
CREATE TABLE schedule_fire (
	schedule_id VARCHAR NOT NULL, 
	fire_at DATETIME NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	run_id VARCHAR, 
	status VARCHAR(20) NOT NULL, 
	message VARCHAR, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_schedule_fire PRIMARY KEY (schedule_id, fire_at), 
	CONSTRAINT fk_schedule_fire_schedule_id FOREIGN KEY(schedule_id) REFERENCES schedule (id) ON DELETE CASCADE, 
	CONSTRAINT fk_schedule_fire_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
INSERT INTO "schedule_fire" VALUES('sch_01M8S4JTH8FV32KVEMK0GQ9A03','2026-12-01 16:00:00.000000','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ',NULL,'skipped','Nothing ran at this time; one run was started for all missed times.','2026-12-01 18:00:00.000000');
INSERT INTO "schedule_fire" VALUES('sch_01M8S4JTH8FV32KVEMK0GQ9A03','2026-12-01 17:00:00.000000','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ',NULL,'skipped','Nothing ran at this time; one run was started for all missed times.','2026-12-01 18:00:00.000000');
INSERT INTO "schedule_fire" VALUES('sch_01M8S4JTH8FV32KVEMK0GQ9A03','2026-12-01 18:00:00.000000','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTJA2YXZECKHG6NS7R4J','fired',NULL,'2026-12-01 18:00:00.000000');
CREATE TABLE session (
	id VARCHAR NOT NULL, 
	user_id VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	user_agent VARCHAR(300) NOT NULL, 
	CONSTRAINT pk_session PRIMARY KEY (id), 
	CONSTRAINT fk_session_user_id FOREIGN KEY(user_id) REFERENCES user_account (id) ON DELETE CASCADE
);
CREATE TABLE span (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	step_path VARCHAR NOT NULL, 
	parent_id VARCHAR, 
	kind VARCHAR(20) NOT NULL, 
	name VARCHAR NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	attributes JSON NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	CONSTRAINT pk_span PRIMARY KEY (id), 
	CONSTRAINT fk_span_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE, 
	CONSTRAINT fk_span_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
CREATE TABLE step (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	node_id VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	label VARCHAR NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	attempt INTEGER NOT NULL, 
	alive JSON, 
	input JSON, 
	output JSON, 
	error JSON, 
	tokens INTEGER NOT NULL, 
	cost_microusd BIGINT, 
	started_at DATETIME, 
	finished_at DATETIME, origin VARCHAR(20), warnings JSON, 
	CONSTRAINT pk_step PRIMARY KEY (id), 
	CONSTRAINT fk_step_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE, 
	CONSTRAINT fk_step_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE, 
	CONSTRAINT uq_step_run_id_path UNIQUE (run_id, path)
);
INSERT INTO "step" VALUES('stp_1A1PKG8P99SBKTTMAHZKW574WE','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRQB79EXKQYJGPGHPFV3','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"name":"Ada"}}',NULL,0,0,'2026-12-01 15:46:39.989857','2026-12-01 15:46:39.990135',NULL,NULL);
INSERT INTO "step" VALUES('stp_58E6TR33A86XEX8Y50XXPE6NCY','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRQB79EXKQYJGPGHPFV3','greet','greet','data.template','Greet','succeeded',1,NULL,'{"ports":{"input":{"name":"Ada"}},"config":{"template":"Hi Ada"}}','{"text":"Hi Ada"}',NULL,0,0,'2026-12-01 15:46:39.990353','2026-12-01 15:46:39.990724',NULL,NULL);
INSERT INTO "step" VALUES('stp_7J34MCBMPDB5FS4AQ18WRM31G3','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRQB79EXKQYJGPGHPFV3','answer','answer','flow.respond','Answer','succeeded',1,NULL,'{"ports":{"input":"Hi Ada"},"config":{"value":"Hi Ada"}}','{"value":"Hi Ada"}',NULL,0,0,'2026-12-01 15:46:39.990879','2026-12-01 15:46:39.991060',NULL,NULL);
INSERT INTO "step" VALUES('stp_2SYRDQWBMV33WS70XEXK6QACDX','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRSE1B78797TRQRPB7NS','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"name":"Eve"}}',NULL,0,0,'2026-12-01 15:46:40.051054','2026-12-01 15:46:40.051330',NULL,NULL);
INSERT INTO "step" VALUES('stp_7XP7CTQ4XVSABV54SVBKQTNYMG','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRSE1B78797TRQRPB7NS','greet','greet','data.template','Hello','succeeded',1,NULL,'{"ports":{"input":{"name":"Eve"}},"config":{"template":"Hello Eve"}}','{"text":"Hello Eve"}',NULL,0,0,'2026-12-01 15:46:40.051531','2026-12-01 15:46:40.051830',NULL,NULL);
INSERT INTO "step" VALUES('stp_1HZKG0JBHST9VS36BJVXBK82KP','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRSE1B78797TRQRPB7NS','answer','answer','flow.respond','Answer','succeeded',1,NULL,'{"ports":{"input":"Hello Eve"},"config":{"value":"Hello Eve"}}','{"value":"Hello Eve"}',NULL,0,0,'2026-12-01 15:46:40.051980','2026-12-01 15:46:40.052180',NULL,NULL);
INSERT INTO "step" VALUES('stp_12ZR8W0VP34336TT2DMHZY6SV9','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRTK6GQ8TXXV1C2RXX5G','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"text":"waits"}}',NULL,0,0,'2026-12-01 15:46:41.506941','2026-12-01 15:46:41.507303',NULL,NULL);
INSERT INTO "step" VALUES('stp_7ZB7N02GX3DW8B77CBS3RAGE5P','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JRTK6GQ8TXXV1C2RXX5G','check','check','human.approval','Check','waiting_human',1,NULL,'{"ports":{"input":{"text":"waits"}},"config":{"title":"Send it?","message":"","value":"waits","editable":true}}',NULL,NULL,0,0,'2026-12-01 15:46:41.507715',NULL,NULL,NULL);
INSERT INTO "step" VALUES('stp_04ZY02AHJQ6CA9YMC7JXD6P2FD','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JT8H6S562YV0KYV8DJ4X','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"text":"was answered"}}',NULL,0,0,'2026-12-01 15:46:41.564533','2026-12-01 15:46:41.564875',NULL,NULL);
INSERT INTO "step" VALUES('stp_2JZ3JZX6FP2W45Y61AK1VK75YQ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JT8H6S562YV0KYV8DJ4X','check','check','human.approval','Check','succeeded',1,'["approved"]','{"ports":{"input":{"text":"was answered"}},"config":{"title":"Send it?","message":"","value":"was answered","editable":true}}','{"approved":"was answered","comment":"","decided_by":"Ada"}',NULL,0,0,'2026-12-01 15:46:41.565184','2026-12-01 15:46:41.647857',NULL,NULL);
INSERT INTO "step" VALUES('stp_5SWPP5NW1GT6C89PEFFHMQJ6BJ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JT8H6S562YV0KYV8DJ4X','answer','answer','flow.respond','Answer','succeeded',1,NULL,'{"ports":{"input":"was answered"},"config":{"value":"was answered"}}','{"value":"was answered"}',NULL,0,0,'2026-12-01 15:46:41.648329','2026-12-01 15:46:41.648555',NULL,NULL);
INSERT INTO "step" VALUES('stp_4E9K6C82GQAQGRTQTSWX4BFDTQ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTCD021MDPWP4WAVSXHJ','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"items":[1,2,3]}}',NULL,0,0,'2026-12-01 15:46:41.691048','2026-12-01 15:46:41.691559',NULL,NULL);
INSERT INTO "step" VALUES('stp_5M4HNPQVFJZJDKQB55SAMC2VAE','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTCD021MDPWP4WAVSXHJ','rows','rows','logic.for_each','Rows','succeeded',1,NULL,'{"ports":{"input":{"items":[1,2,3]}},"config":{"items":[1,2,3],"concurrency":5,"item_retries":0,"item_retry_delay_s":1,"on_item_error":"stop"}}','{"results":["no. 1","no. 2","no. 3"],"failed":[]}',NULL,0,0,'2026-12-01 15:46:41.691769','2026-12-01 15:46:41.693441',NULL,NULL);
INSERT INTO "step" VALUES('stp_7FMGQ5C65MRG53N99JPCZWYDC7','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTCD021MDPWP4WAVSXHJ','line','rows[0]/line','data.template','Line','succeeded',1,NULL,'{"ports":{"input":1},"config":{"template":"no. 1"}}','{"text":"no. 1"}',NULL,0,0,'2026-12-01 15:46:41.692388','2026-12-01 15:46:41.692575',NULL,NULL);
INSERT INTO "step" VALUES('stp_6DEZ88N6EAVHVFRER8DSWNE1MK','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTCD021MDPWP4WAVSXHJ','line','rows[1]/line','data.template','Line','succeeded',1,NULL,'{"ports":{"input":2},"config":{"template":"no. 2"}}','{"text":"no. 2"}',NULL,0,0,'2026-12-01 15:46:41.692798','2026-12-01 15:46:41.692924',NULL,NULL);
INSERT INTO "step" VALUES('stp_1MHSXYPXPD6R1Q8Q6610WFKGWH','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTCD021MDPWP4WAVSXHJ','line','rows[2]/line','data.template','Line','succeeded',1,NULL,'{"ports":{"input":3},"config":{"template":"no. 3"}}','{"text":"no. 3"}',NULL,0,0,'2026-12-01 15:46:41.693082','2026-12-01 15:46:41.693200',NULL,NULL);
INSERT INTO "step" VALUES('stp_711SAD2A45YH0Y6N9RFWTANEQW','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTCD021MDPWP4WAVSXHJ','answer','answer','flow.respond','Answer','succeeded',1,NULL,'{"ports":{"input":["no. 1","no. 2","no. 3"]},"config":{"value":["no. 1","no. 2","no. 3"]}}','{"value":["no. 1","no. 2","no. 3"]}',NULL,0,0,'2026-12-01 15:46:41.693835','2026-12-01 15:46:41.694013',NULL,NULL);
INSERT INTO "step" VALUES('stp_1MJQ4EFS6QA95GWRTEAN6QPMAJ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTDKJ2EZ6M3D4JT3SEA5','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"name":"x"}}',NULL,0,0,'2026-12-01 15:46:41.720195','2026-12-01 15:46:41.720386',NULL,NULL);
INSERT INTO "step" VALUES('stp_4TE6CQMA9HTFAAMWW9Q1VHJPJ8','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTDKJ2EZ6M3D4JT3SEA5','call','call','data.template','Call','failed',1,'[]','{"ports":{"input":{"name":"x"}}}',NULL,'{"code":"expression_error","message":"In “Text”: `trigger.name` is a text, it has no field `missing`.","field":"template"}',0,0,'2026-12-01 15:46:41.720523','2026-12-01 15:46:41.720735',NULL,NULL);
INSERT INTO "step" VALUES('stp_6NRCR0S39BJ8A8HKVXV3A2P1JZ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTEMCJ78YJCT18A5QD5Q','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"text":"kept"}}',NULL,0,0,'2026-12-01 15:46:41.759299','2026-12-01 15:46:41.759528',NULL,NULL);
INSERT INTO "step" VALUES('stp_3QTYVHMCY60TBMK6RJFQZP4WM9','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTEMCJ78YJCT18A5QD5Q','keep','keep','memory.key_value','Keep','succeeded',1,NULL,'{"ports":{"input":{"text":"kept"}},"config":{"operation":"set","value":"kept","default":null,"keep":100,"scope":"workflow","key":"k"}}','{"value":"kept","found":false}',NULL,0,0,'2026-12-01 15:46:41.759836','2026-12-01 15:46:41.770519',NULL,NULL);
INSERT INTO "step" VALUES('stp_5BBH4BNF39E9A0XA4BNX9RBWVR','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTEMCJ78YJCT18A5QD5Q','answer','answer','flow.respond','Answer','succeeded',1,NULL,'{"ports":{"input":"kept"},"config":{"value":"done"}}','{"value":"done"}',NULL,0,0,'2026-12-01 15:46:41.772321','2026-12-01 15:46:41.772575',NULL,NULL);
INSERT INTO "step" VALUES('stp_1JYZ42RCB9HHE97G8CAZX56VAS','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTFW6SG67WR4SRHBNHSQ','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"name":"Old"}}',NULL,0,0,'2026-12-01 15:46:41.792922','2026-12-01 15:46:41.793119',NULL,NULL);
INSERT INTO "step" VALUES('stp_4MKAW6KHHE4JBEX315KM47M1F8','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTFW6SG67WR4SRHBNHSQ','greet','greet','data.template','Greet','succeeded',1,NULL,'{"ports":{"input":{"name":"Old"}},"config":{"template":"Hi Old"}}','{"text":"Hi Old"}',NULL,0,0,'2026-12-01 15:46:41.793263','2026-12-01 15:46:41.793443',NULL,NULL);
INSERT INTO "step" VALUES('stp_0ZHQ13X9VQ5PZFAYYPAWRN7YYR','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTFW6SG67WR4SRHBNHSQ','answer','answer','flow.respond','Answer','succeeded',1,NULL,'{"ports":{"input":"Hi Old"},"config":{"value":"Hi Old"}}','{"value":"Hi Old"}',NULL,0,0,'2026-12-01 15:46:41.793556','2026-12-01 15:46:41.793721',NULL,NULL);
INSERT INTO "step" VALUES('stp_4V1FW41YSFR5NACCKSGSP23B81','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTJA2YXZECKHG6NS7R4J','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"name":"Hourly"}}',NULL,0,0,'2026-12-01 15:46:41.871513','2026-12-01 15:46:41.871730',NULL,NULL);
INSERT INTO "step" VALUES('stp_1WKBZVNGMGG3NNS4WTWE8RD9HB','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTJA2YXZECKHG6NS7R4J','greet','greet','data.template','Hello','succeeded',1,NULL,'{"ports":{"input":{"name":"Hourly"}},"config":{"template":"Hello Hourly"}}','{"text":"Hello Hourly"}',NULL,0,0,'2026-12-01 15:46:41.871841','2026-12-01 15:46:41.871984',NULL,NULL);
INSERT INTO "step" VALUES('stp_0GE6587ESJ3K56XN2ZHS31YQBS','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTJA2YXZECKHG6NS7R4J','answer','answer','flow.respond','Reply','succeeded',1,NULL,'{"ports":{"input":"Hello Hourly"},"config":{"value":"Hello Hourly"}}','{"value":"Hello Hourly"}',NULL,0,0,'2026-12-01 15:46:41.872064','2026-12-01 15:46:41.872180',NULL,NULL);
INSERT INTO "step" VALUES('stp_02KTK2P41GFN3C33NVPY91HK8A','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTJSJT82722M6J5GC4GZ','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"text":"c"}}',NULL,0,0,'2026-12-01 15:46:41.893141','2026-12-01 15:46:41.893412',NULL,NULL);
INSERT INTO "step" VALUES('stp_6CPNXJFRY093MQ720M90CJZPRC','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTJSJT82722M6J5GC4GZ','check','check','human.approval','Check','canceled',1,NULL,'{"ports":{"input":{"text":"c"}},"config":{"title":"Send it?","message":"","value":"c","editable":true}}',NULL,NULL,0,0,'2026-12-01 15:46:41.893707','2026-12-01 15:46:41.912533',NULL,NULL);
INSERT INTO "step" VALUES('stp_0R9PNV1T61G95JVP44MRZ5S4T9','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTMKVY5HCX4VCMAMGCT6','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"text":"p"}}',NULL,0,0,'2026-12-01 15:46:41.948094','2026-12-01 15:46:41.948272',NULL,NULL);
INSERT INTO "step" VALUES('stp_60Y773W19BVHGXG0V6NY2D5WZY','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTMKVY5HCX4VCMAMGCT6','check','check','human.approval','Check','waiting_human',1,NULL,'{"ports":{"input":{"text":"p"}},"config":{"title":"Send it?","message":"","value":"p","editable":true}}',NULL,NULL,0,0,'2026-12-01 15:46:41.948416',NULL,NULL,NULL);
INSERT INTO "step" VALUES('stp_75940K150J9ZQYWQ1SSMX00ZHF','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTNNHK2RV1ENC8PKZ0XA','start','start','trigger.manual','Start','succeeded',1,NULL,'{"ports":{},"config":{"fields":[]}}','{"data":{"name":"Late"}}',NULL,0,0,'2026-12-01 15:46:41.977796','2026-12-01 15:46:41.977976',NULL,NULL);
INSERT INTO "step" VALUES('stp_066NGE2Z51S2XB77XYEHQJ7PQT','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTNNHK2RV1ENC8PKZ0XA','greet','greet','data.template','Hello','succeeded',1,NULL,'{"ports":{"input":{"name":"Late"}},"config":{"template":"Hello Late"}}','{"text":"Hello Late"}',NULL,0,0,'2026-12-01 15:46:41.978092','2026-12-01 15:46:41.978227',NULL,NULL);
INSERT INTO "step" VALUES('stp_6MCP7YA9AKA1KCBD8BVDD7DYZ9','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','run_01M8S4JTNNHK2RV1ENC8PKZ0XA','answer','answer','flow.respond','Reply','succeeded',1,NULL,'{"ports":{"input":"Hello Late"},"config":{"value":"Hello Late"}}','{"value":"Hello Late"}',NULL,0,0,'2026-12-01 15:46:41.978301','2026-12-01 15:46:41.978390',NULL,NULL);
CREATE TABLE step_cache (
	workspace_id VARCHAR NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	output JSON, 
	alive JSON, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_step_cache PRIMARY KEY (workspace_id, "key"), 
	CONSTRAINT fk_step_cache_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
CREATE TABLE template (
	id VARCHAR(60) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	summary VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	category VARCHAR(40) NOT NULL, 
	needs JSON NOT NULL, 
	graph JSON NOT NULL, 
	example_input JSON, 
	position INTEGER NOT NULL, 
	uses INTEGER NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_template PRIMARY KEY (id)
);
CREATE TABLE user_account (
	id VARCHAR NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	password_hash VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	disabled_at DATETIME, is_installation_admin BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_user_account PRIMARY KEY (id), 
	CONSTRAINT uq_user_account_email UNIQUE (email)
);
INSERT INTO "user_account" VALUES('usr_01M8S4JRE0C16N0A2RE4YQH3AP','usr_01M8S4JRE0C16N0A2RE4YQH3AP@example.org','Ada','x','2026-12-01 15:46:39.680958',NULL,0);
CREATE TABLE wait (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	step_path VARCHAR NOT NULL, 
	node_id VARCHAR NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	name VARCHAR(100), 
	until DATETIME, 
	child_run_id VARCHAR, 
	status VARCHAR(20) NOT NULL, 
	result JSON, 
	created_at DATETIME NOT NULL, 
	done_at DATETIME, 
	taken BOOLEAN DEFAULT 0 NOT NULL, lasts BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_wait PRIMARY KEY (id), 
	CONSTRAINT fk_wait_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE, 
	CONSTRAINT fk_wait_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
CREATE TABLE workflow (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	project_id VARCHAR NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	graph JSON NOT NULL, 
	revision INTEGER NOT NULL, 
	edits_seen JSON, 
	template_id VARCHAR, 
	example_input JSON, 
	created_by VARCHAR, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, run_settings JSON, 
	CONSTRAINT pk_workflow PRIMARY KEY (id), 
	CONSTRAINT fk_workflow_project_id FOREIGN KEY(project_id) REFERENCES project (id) ON DELETE CASCADE, 
	CONSTRAINT fk_workflow_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE
);
INSERT INTO "workflow" VALUES('wfl_01M8S4JRGAFMWESQJ3JQ60BZKW','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','prj_01M8S4JRG07VT8B8MMKRZVZ5TD','Greeting','draft','{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"greet","kind":"data.template","version":1,"label":"Hello","config":{"template":"Hello {{ trigger.name }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Reply","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-greet","source":"start","source_port":"data","target":"greet","target_port":"input"},{"id":"greet.text-answer","source":"greet","source_port":"text","target":"answer","target_port":"input"}]}',4,'{"tab-2":[1,4],"tab-1":[2,3]}',NULL,NULL,'usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:39.754316','2026-12-01 15:46:40.063218',NULL,NULL);
INSERT INTO "workflow" VALUES('wfl_01M8S4JRT47E2FRZJW34PH8SAA','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','prj_01M8S4JRG07VT8B8MMKRZVZ5TD','Ask first','draft','{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"check","kind":"human.approval","version":1,"label":"Check","config":{"title":"Send it?","value":"{{ trigger.text }}","editable":true},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{"value":"{{ input }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-check","source":"start","source_port":"data","target":"check","target_port":"input"},{"id":"check.approved-answer","source":"check","source_port":"approved","target":"answer","target_port":"input"}]}',1,NULL,NULL,'{"text":"Draft"}','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:40.068657','2026-12-01 15:46:40.068657',NULL,NULL);
INSERT INTO "workflow" VALUES('wfl_01M8S4JTBYH03EF68QQ9KM1HK1','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','prj_01M8S4JRG07VT8B8MMKRZVZ5TD','Lines','draft','{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"rows","kind":"logic.for_each","version":1,"label":"Rows","config":{"items":"{{ trigger.items }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"line","kind":"data.template","version":1,"label":"Line","config":{"template":"no. {{ item }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":"rows","size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{"value":"{{ input }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-rows","source":"start","source_port":"data","target":"rows","target_port":"input"},{"id":"rows.results-answer","source":"rows","source_port":"results","target":"answer","target_port":"input"}]}',1,NULL,NULL,NULL,'usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.662944','2026-12-01 15:46:41.662944',NULL,NULL);
INSERT INTO "workflow" VALUES('wfl_01M8S4JTD691BATGNZ5Q0X90R3','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','prj_01M8S4JRG07VT8B8MMKRZVZ5TD','Breaks','draft','{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"call","kind":"data.template","version":1,"label":"Call","config":{"template":"{{ trigger.name.missing + 1 }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-call","source":"start","source_port":"data","target":"call","target_port":"input"},{"id":"call.text-answer","source":"call","source_port":"text","target":"answer","target_port":"input"}]}',1,NULL,NULL,NULL,'usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.702302','2026-12-01 15:46:41.702302',NULL,NULL);
INSERT INTO "workflow" VALUES('wfl_01M8S4JTE5PH6SXYTCNHR4PSVN','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','prj_01M8S4JRG07VT8B8MMKRZVZ5TD','Keeps','draft','{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"keep","kind":"memory.key_value","version":1,"label":"Keep","config":{"operation":"set","key":"k","value":"{{ trigger.text }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{"value":"done"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-keep","source":"start","source_port":"data","target":"keep","target_port":"input"},{"id":"keep.value-answer","source":"keep","source_port":"value","target":"answer","target_port":"input"}]}',1,NULL,NULL,NULL,'usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.733239','2026-12-01 15:46:41.733239',NULL,NULL);
INSERT INTO "workflow" VALUES('wfl_01M8S4JTFK8VDX787EHD7AWF89','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','prj_01M8S4JRG07VT8B8MMKRZVZ5TD','Gone','draft','{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"greet","kind":"data.template","version":1,"label":"Greet","config":{"template":"Hi {{ trigger.name }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-greet","source":"start","source_port":"data","target":"greet","target_port":"input"},{"id":"greet.text-answer","source":"greet","source_port":"text","target":"answer","target_port":"input"}]}',1,NULL,NULL,NULL,'usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.779030','2026-12-01 15:46:41.779030','2026-12-01 15:46:41.801545',NULL);
INSERT INTO "workflow" VALUES('wfl_01M8S4JTGF2HE107EN6Q80WEV6','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','prj_01M8S4JRG07VT8B8MMKRZVZ5TD','Blank','draft','{"schema":1,"nodes":[],"edges":[]}',1,NULL,NULL,NULL,'usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.807143','2026-12-01 15:46:41.807143',NULL,NULL);
CREATE TABLE workflow_version (
	id VARCHAR NOT NULL, 
	workspace_id VARCHAR NOT NULL, 
	workflow_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	graph JSON NOT NULL, 
	graph_hash VARCHAR(64) NOT NULL, 
	created_by VARCHAR, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_workflow_version PRIMARY KEY (id), 
	CONSTRAINT fk_workflow_version_workflow_id FOREIGN KEY(workflow_id) REFERENCES workflow (id) ON DELETE CASCADE, 
	CONSTRAINT fk_workflow_version_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspace (id) ON DELETE CASCADE, 
	CONSTRAINT uq_workflow_version_workflow_id_number UNIQUE (workflow_id, number)
);
INSERT INTO "workflow_version" VALUES('ver_01M8S4JRHAGSVFAMN51R3BJWDJ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW',1,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"greet","kind":"data.template","version":1,"label":"Greet","config":{"template":"Hi {{ trigger.name }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-greet","source":"start","source_port":"data","target":"greet","target_port":"input"},{"id":"greet.text-answer","source":"greet","source_port":"text","target":"answer","target_port":"input"}]}','91a85faf9a589ecd3c9a1103bf3f20711bbe76160e761047568178b74cef2dc3','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:39.786493');
INSERT INTO "workflow_version" VALUES('ver_01M8S4JRSADGYBQ094R2P2EB5G','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW',2,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"greet","kind":"data.template","version":1,"label":"Hello","config":{"template":"Hello {{ trigger.name }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-greet","source":"start","source_port":"data","target":"greet","target_port":"input"},{"id":"greet.text-answer","source":"greet","source_port":"text","target":"answer","target_port":"input"}]}','6450d0aded273f413d873ce3bcb6c30f244316a9155480b03fb8c800f18f3d61','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:40.043020');
INSERT INTO "workflow_version" VALUES('ver_01M8S4JRTDFQBFGJ5KZ2ZY5XQA','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRT47E2FRZJW34PH8SAA',1,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"check","kind":"human.approval","version":1,"label":"Check","config":{"title":"Send it?","value":"{{ trigger.text }}","editable":true},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{"value":"{{ input }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-check","source":"start","source_port":"data","target":"check","target_port":"input"},{"id":"check.approved-answer","source":"check","source_port":"approved","target":"answer","target_port":"input"}]}','e316cc6551b056430f5faddb7201bfa872fcfa548a81f2086f8dcd56f8cfd11a','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:40.077532');
INSERT INTO "workflow_version" VALUES('ver_01M8S4JTC6V4PRS5023RNZAG12','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTBYH03EF68QQ9KM1HK1',1,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"rows","kind":"logic.for_each","version":1,"label":"Rows","config":{"items":"{{ trigger.items }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"line","kind":"data.template","version":1,"label":"Line","config":{"template":"no. {{ item }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":"rows","size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{"value":"{{ input }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-rows","source":"start","source_port":"data","target":"rows","target_port":"input"},{"id":"rows.results-answer","source":"rows","source_port":"results","target":"answer","target_port":"input"}]}','5941fdf4f7ff71bb9b4e776cced4fdfffd5810eb0510838f92eed1a487d8a649','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.670574');
INSERT INTO "workflow_version" VALUES('ver_01M8S4JTDFK2Z5TRGYQ8MMPTET','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTD691BATGNZ5Q0X90R3',1,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"call","kind":"data.template","version":1,"label":"Call","config":{"template":"{{ trigger.name.missing + 1 }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-call","source":"start","source_port":"data","target":"call","target_port":"input"},{"id":"call.text-answer","source":"call","source_port":"text","target":"answer","target_port":"input"}]}','f9b18befc68e8ee99afc38b266972ef7f373c75f85b1325a63f82a4a53868505','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.711633');
INSERT INTO "workflow_version" VALUES('ver_01M8S4JTEE0FHY66PBEB4380KQ','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTE5PH6SXYTCNHR4PSVN',1,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"keep","kind":"memory.key_value","version":1,"label":"Keep","config":{"operation":"set","key":"k","value":"{{ trigger.text }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{"value":"done"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-keep","source":"start","source_port":"data","target":"keep","target_port":"input"},{"id":"keep.value-answer","source":"keep","source_port":"value","target":"answer","target_port":"input"}]}','c3b75012b16c91c4835859d17e5bab9d0ac48481b6b48c6f92e7bfe63a7b00c6','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.742793');
INSERT INTO "workflow_version" VALUES('ver_01M8S4JTFVJRKKJVZPEHPA0EEK','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JTFK8VDX787EHD7AWF89',1,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"greet","kind":"data.template","version":1,"label":"Greet","config":{"template":"Hi {{ trigger.name }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Answer","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-greet","source":"start","source_port":"data","target":"greet","target_port":"input"},{"id":"greet.text-answer","source":"greet","source_port":"text","target":"answer","target_port":"input"}]}','91a85faf9a589ecd3c9a1103bf3f20711bbe76160e761047568178b74cef2dc3','usr_01M8S4JRE0C16N0A2RE4YQH3AP','2026-12-01 15:46:41.787070');
INSERT INTO "workflow_version" VALUES('ver_01M8S4JTJ8EAHD5J26MC6ZN0C3','wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','wfl_01M8S4JRGAFMWESQJ3JQ60BZKW',3,'{"schema":1,"nodes":[{"id":"start","kind":"trigger.manual","version":1,"label":"Start","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"greet","kind":"data.template","version":1,"label":"Hello","config":{"template":"Hello {{ trigger.name }}"},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null},{"id":"answer","kind":"flow.respond","version":1,"label":"Reply","config":{},"settings":{"timeout_s":60.0,"retries":0,"retry_delay_s":5.0,"backoff":"exponential","on_error":"stop","default":null,"cache_s":0,"pinned":null,"max_iterations":100,"disabled":false,"tool_name":"","tool_description":""},"position":{"x":0.0,"y":0.0},"parent":null,"size":null}],"edges":[{"id":"start.data-greet","source":"start","source_port":"data","target":"greet","target_port":"input"},{"id":"greet.text-answer","source":"greet","source_port":"text","target":"answer","target_port":"input"}]}','14dfb0007fb4dedbc42370ed5a4cc5610abc8ab9e04d4ba41694df2bc9d5cfd6','system','2026-12-01 15:46:41.864445');
CREATE TABLE workspace (
	id VARCHAR NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	run_count INTEGER NOT NULL, max_running INTEGER, 
	CONSTRAINT pk_workspace PRIMARY KEY (id)
);
INSERT INTO "workspace" VALUES('wsp_01M8S4JRE0C16N0A2RE4YQH3AQ','Ada''s','2026-12-01 15:46:39.724693',12,NULL);
CREATE INDEX ix_audit_entry_workspace_id ON audit_entry (workspace_id);
CREATE INDEX ix_member_user_id ON member (user_id);
CREATE INDEX ix_member_workspace_id ON member (workspace_id);
CREATE INDEX ix_project_workspace_id ON project (workspace_id);
CREATE INDEX ix_session_user_id ON session (user_id);
CREATE INDEX ix_workflow_project_id ON workflow (project_id);
CREATE INDEX ix_workflow_recent ON workflow (workspace_id, updated_at);
CREATE INDEX ix_workflow_workspace_id ON workflow (workspace_id);
CREATE INDEX ix_workflow_version_workflow_id ON workflow_version (workflow_id);
CREATE INDEX ix_workflow_version_workspace_id ON workflow_version (workspace_id);
CREATE INDEX ix_run_lease ON run (status, lease_until);
CREATE INDEX ix_run_of_workflow ON run (workflow_id, queued_at);
CREATE INDEX ix_run_recent ON run (workspace_id, queued_at);
CREATE INDEX ix_approval_open ON approval (workspace_id, status);
CREATE INDEX ix_approval_run_id ON approval (run_id);
CREATE INDEX ix_approval_step_id ON approval (step_id);
CREATE INDEX ix_llm_call_run_id ON llm_call (run_id);
CREATE INDEX ix_llm_call_workspace_id ON llm_call (workspace_id);
CREATE INDEX ix_run_event_workspace_id ON run_event (workspace_id);
CREATE INDEX ix_span_run_id ON span (run_id);
CREATE INDEX ix_span_workspace_id ON span (workspace_id);
CREATE INDEX ix_step_workspace_id ON step (workspace_id);
CREATE INDEX ix_run_turn ON run (status, workspace_id, priority, queued_at);
CREATE INDEX ix_run_dead ON run (workspace_id, dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX ix_run_parent_run_id ON run (parent_run_id);
CREATE INDEX ix_run_forked_from ON run (forked_from);
CREATE INDEX ix_wait_workspace_id ON wait (workspace_id);
CREATE INDEX ix_wait_run_id ON wait (run_id);
CREATE INDEX ix_wait_child_run_id ON wait (child_run_id);
CREATE INDEX ix_wait_due ON wait (status, until);
CREATE INDEX ix_step_cache_expires_at ON step_cache (expires_at);
CREATE INDEX ix_schedule_workspace_id ON schedule (workspace_id);
CREATE INDEX ix_schedule_workflow_id ON schedule (workflow_id);
CREATE INDEX ix_schedule_due ON schedule (enabled, next_at);
CREATE INDEX ix_schedule_fire_workspace_id ON schedule_fire (workspace_id);
CREATE INDEX ix_blob_run_id ON blob (run_id);
CREATE INDEX ix_blob_workspace_id ON blob (workspace_id);
COMMIT;

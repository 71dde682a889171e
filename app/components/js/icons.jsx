// Icons of node types by the name a node type declares. Named one by one, so that only these are in the bundle.
import {
  AlarmClock, ArrowLeftRight, Ban, Bell, Binary, BookOpen, Bot, Box, Braces, Brain, Calculator, Calendar, CircleHelp,
  CircleStop, Clock, Cloud, Code, Cpu, Database, Eye, FileText, Filter, Folder, GitFork, GitMerge, Globe, Hash,
  Hourglass,
  Image, Inbox, Key, Languages, Layers, Link, List, ListChecks, ListFilter, ListTree, Mail, Merge, MessageCircle,
  MessageSquare, Network, PenLine, Play, Plug, Radio, RefreshCw, Regex, Repeat, Reply, Route, Rss, ScanText, Search,
  Send, Server,
  Shield, ShieldCheck, Shuffle, Sigma, SlidersHorizontal, Sparkles, Split, StickyNote, Table, Tags, Terminal, TextQuote,
  Timer, ToggleLeft, Type, Upload, UserCheck, UserRound, Users, Variable, Webhook, Workflow, Wrench, Zap,
} from "lucide-react";

const ICONS = {
  "alarm-clock": AlarmClock, "arrow-left-right": ArrowLeftRight, ban: Ban, bell: Bell, binary: Binary,
  "book-open": BookOpen, bot: Bot, box: Box, braces: Braces, brain: Brain, calculator: Calculator, calendar: Calendar,
  "circle-help": CircleHelp, "circle-stop": CircleStop, clock: Clock, cloud: Cloud, code: Code, cpu: Cpu,
  database: Database, eye: Eye, "file-text": FileText, filter: Filter, folder: Folder, "git-fork": GitFork,
  "git-merge": GitMerge, globe: Globe, hash: Hash, hourglass: Hourglass, image: Image, inbox: Inbox, key: Key,
  languages: Languages, layers: Layers, link: Link, list: List, "list-checks": ListChecks, "list-filter": ListFilter,
  "list-tree": ListTree, mail: Mail, merge: Merge, "message-circle": MessageCircle, "message-square": MessageSquare,
  network: Network, "pen-line": PenLine, play: Play, plug: Plug, radio: Radio, "refresh-cw": RefreshCw, regex: Regex,
  repeat: Repeat,
  reply: Reply, route: Route, rss: Rss, "scan-text": ScanText, search: Search, send: Send, server: Server,
  shield: Shield, "shield-check": ShieldCheck, shuffle: Shuffle, sigma: Sigma, "sliders-horizontal": SlidersHorizontal,
  sparkles: Sparkles, split: Split, "sticky-note": StickyNote, table: Table, tags: Tags, terminal: Terminal,
  "text-quote": TextQuote, timer: Timer, "toggle-left": ToggleLeft, type: Type, upload: Upload,
  "user-check": UserCheck, "user-round": UserRound, users: Users, variable: Variable, webhook: Webhook,
  workflow: Workflow, wrench: Wrench, zap: Zap,
};

export function NodeIcon({ name, size = 14 }) {
  const Icon = ICONS[name] ?? Box;
  return <Icon size={size} strokeWidth={2} aria-hidden="true" />;
}

// The tile of a node type in the colour of its category.
export function KindTile({ type, size = 24 }) {
  return (
    <span className="kind-tile" data-category={type?.category ?? "unknown"} style={{ width: size, height: size }}>
      <NodeIcon name={type?.icon ?? "circle-help"} size={Math.round(size * 0.58)} />
    </span>
  );
}

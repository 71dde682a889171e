"""Model providers: one file each, behind one ChatModel protocol."""

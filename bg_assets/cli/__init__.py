"""The bg-assets command: a file per group of subcommands. Nothing here decides."""

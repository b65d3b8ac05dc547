"""What the commands of the program do, a module each, or one for those that need the database alone.

``bot.__main__`` imports them when their command is given and its configuration is right: all libraries of the bot
together take a second to load, which nobody should wait for who mistyped a word or wants to see the manifest.
"""

"""The wire format of the Assistants protocol, with a module for each type of object. No database, no Django."""

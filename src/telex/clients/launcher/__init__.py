"""How hook lines and shells start telex: launchers, their byte code, the interpreter they use."""

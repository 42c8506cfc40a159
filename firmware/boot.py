# Nothing is done here, so that nothing can go wrong here: main.py starts the node.

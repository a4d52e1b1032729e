"""TensorFlow.js models: files.py reads graph models into records, control.py lifts old-style control flow out of them,
networks.py walks the records through the handlers, one module of these a family (HANDLERS in handlers.py).

A reader of other files may make the same records (Network) and share all that comes after.
"""

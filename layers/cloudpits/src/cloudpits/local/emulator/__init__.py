"""An extension of the MiniStack AWS emulator: the spot market, instances and events that the stock emulator lacks.

It runs inside the emulator's own virtual environment, which has MiniStack, pydantic and PyMySQL but none of this
package's other dependencies, and imports nothing that needs more. Start it with
``python -m cloudpits.local.emulator WORLD.json``.
"""

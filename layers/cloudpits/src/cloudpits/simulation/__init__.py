"""Plays runs on recorded prices, with the controller's own decisions, bills and estimates.

``build`` turns files into a ``Scenario``; ``realise`` draws one seed's world from it; ``engine.play`` lets a
policy loose in that world; ``offline`` says what perfect knowledge would have paid; ``sweep`` does it for many
seeds in parallel; ``simulate`` and ``compare`` are the two use cases. The world never decides anything.
"""

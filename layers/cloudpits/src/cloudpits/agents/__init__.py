"""What runs on instances: the job-manager host agent and the worker agent.

``main`` reads the document that user data left and plays its role; ``host`` and ``wiring`` put the parts together.
Decisions are pure and stand apart from what carries them out: ``ending`` and ``job_ending`` (go on, drain, restart,
end), ``orders`` (the controller's word and its lease), ``membership`` (which workers the job manager knows),
``rates`` (tasks/s) and ``tally`` (who did what). ``worker`` and ``job_manager`` are the loops around them.
"""

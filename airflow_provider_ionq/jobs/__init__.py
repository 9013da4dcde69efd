"""
Jobs, without Airflow: validate, submit once, wait for, price and cancel them.

To read it, begin with `request` (what is sent), `token` (how a task finds its job again), `submit`, and `earlier` (what
a later try does). The modules `loop*` are behind :mod:`airflow_provider_ionq.loops`.
"""

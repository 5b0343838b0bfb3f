"""The operator's side of a fleet.

collector and history keep what devices report; client asks one device; watch and view show what all of them do;
broker starts one for a demo.
"""

"""The studio: a page in the browser on which the device is changed by sliders, while a network learns in its array.

server.py      one small web server on this machine only: who may talk to it, and what travels between page and worker
worker.py      the process that computes, one for each open page: reads requests, trains, sends what it sees
asked.py       what a page asks for: an experiment and what is changed in it; the command and the Python that do the same
controls.py    the sliders and choices
views.py       what is seen of a training on its way: receptive fields, spikes, the array
bill.py        what a finished training cost, and its accuracy
pulses.py      a file of measured pulses: how it was read, the fit
watching.py    a run or a study that another process is at work on
page/          the page: HTML, one style sheet, one script; uPlot draws the curves
"""

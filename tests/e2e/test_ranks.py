"""Runs of several processes, as users of v1's distributed configurations meet them. The scripts need no framework."""

import json

from workbench import PYTHON

# Rank 0 takes one line of each of the others over TCP, as a framework would meet.
MEET = """
import os, socket, time
from azureml.core import Run
rank, size = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
place = os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT'])
if rank == 0:
    with socket.create_server(place) as server:
        for _ in range(size - 1):
            with server.accept()[0] as peer:
                print('met', peer.makefile().readline().strip(), flush=True)
else:
    while True:
        try:
            peer = socket.create_connection(place)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    with peer:
        peer.sendall(('rank %d on node %s\\n' % (rank, os.environ['AZUREML_CR_NODE_RANK'])).encode())
    print('sent', flush=True)
os.makedirs('outputs', exist_ok=True)
open('outputs/part-%d.txt' % rank, 'w').write(str(rank))
Run.get_context().log('rank', rank)
"""

# The parameter server serves until it is ended; the worker talks to it and ends.
SERVE = """
import json, os, socket, time
task = json.loads(os.environ['TF_CONFIG'])
servers = task['cluster']['ps']
host, port = servers[0].split(':')
if task['task']['type'] == 'ps':
    with socket.create_server((host, int(port))) as server:
        while True:
            server.accept()[0].close()
while True:
    try:
        socket.create_connection((host, int(port))).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
print('served', os.environ['AZ_BATCHAI_TASK_TYPE'], os.environ['AZ_BATCHAI_TASK_INDEX'])
"""

BREAK = """
import os, signal
if os.environ['OMPI_COMM_WORLD_RANK'] == '1':
    raise SystemExit(3)
signal.pause()
"""

STORY = """
import sys
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.runconfig import MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration

ws = Workspace.from_config()
configuration = AmlCompute.provisioning_configuration(vm_size='HALF_MACHINE', max_nodes=2)
pool = ComputeTarget.create(ws, 'cluster', configuration)
environment = Environment('own')
environment.python.user_managed_dependencies = True
environment.python.interpreter_path = sys.executable
experiment = Experiment(ws, 'ranks')

def submit(script, target, distributed):
    return experiment.submit(ScriptRunConfig('code', script, compute_target=target, environment=environment,
                                             distributed_job_config=distributed))

met = submit('meet.py', pool, PyTorchConfiguration('Gloo', process_count=3, node_count=2))
served = submit('serve.py', 'local', TensorflowConfiguration(worker_count=1, parameter_server_count=1))
broken = submit('break.py', 'local', MpiConfiguration(process_count_per_node=2))

assert met.wait_for_completion()['status'] == 'Completed'
assert sorted(met.get_metrics()['rank']) == [0, 1, 2], met.get_metrics()
names = met.get_file_names()
assert set(names) >= {'outputs/part-%d.txt' % rank for rank in range(3)}, names
assert {'azureml-logs/70_driver_log%s.txt' % end for end in ('', '_1', '_2')} <= set(names), names
logs = met.get_details_with_logs()['logFiles']
print(logs['azureml-logs/70_driver_log.txt'])
assert logs['azureml-logs/70_driver_log_1.txt'] == 'sent\\n', logs

assert served.wait_for_completion()['status'] == 'Completed'
print(served.get_details_with_logs()['logFiles']['azureml-logs/70_driver_log.txt'])

broken.wait_for_completion(raise_on_error=False)
details = broken.get_details()
assert details['status'] == 'Failed', details
print(details['error']['error']['message'])
pool.delete()
"""


def test_ranks_meet_serve_and_end_together(wb):
    project = wb.project({"config.json": json.dumps(dict(subscription_id="s", resource_group="g", workspace_name="ranks"))})
    (project / "code").mkdir()
    for name, text in (("meet", MEET), ("serve", SERVE), ("break", BREAK)):
        (project / "code" / (name + ".py")).write_text(text)
    printed = wb.run(PYTHON, "-c", STORY, cwd=project).stdout
    assert "met rank 1 on node 0" in printed and "met rank 2 on node 1" in printed, printed
    assert "served worker 0" in printed
    assert "Rank 1 of 2: The script ended with exit code 3." in printed

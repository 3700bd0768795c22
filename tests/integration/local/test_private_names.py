import subprocess

from cloudpits.local.emulated_aws import emulator_python
from tests.waiting import PATIENCE_S


def test_the_pinned_emulator_still_has_every_private_name_the_extension_uses() -> None:
    command = [emulator_python(), "-m", "cloudpits.local.emulator", "--check"]

    check = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    assert check.returncode == 0, check.stderr


def test_a_missing_name_is_reported_before_anything_is_served() -> None:
    script = (
        "from cloudpits.local.emulator import private_names as p;"
        "p.RELIED_ON['ministack.services.ec2'] |= {'_gone': None, '_resolve_launch_template_data': ('other',)};"
        "print(p.missing_names())"
    )

    check = subprocess.run(
        [emulator_python(), "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )

    assert "ministack.services.ec2._gone is gone" in check.stdout
    assert "_resolve_launch_template_data has no parameter 'other'" in check.stdout

"""In the image: started as root, as the Supervisor does, the gateway goes on as an ordinary user."""

import os
from pathlib import Path
import pwd

USER_VARIABLE = "BRIDGE_USER"
"""The environment variable with the user's name; the image sets it."""


def become_ordinary_user(data_dir: Path) -> None:
    """Makes the data folder and all that is in it the user's, and becomes that user for good.

    Does nothing where BRIDGE_USER is not set, or where the process is not root: then somebody else has chosen its user.
    The Supervisor writes the options anew at each start, readable by root alone, so this is done at each start.

    Raises:
        KeyError: there is no such user.
        OSError: the folder's file system or the container does not allow it.
    """
    name = os.environ.get(USER_VARIABLE)
    if not name or os.geteuid() != 0:
        return
    user = pwd.getpwnam(name)
    data_dir.mkdir(parents=True, exist_ok=True)
    # By file descriptors and without following links: what is in the folder was written by the one who is not trusted.
    for _path, folders, files, folder in os.fwalk(data_dir, follow_symlinks=False):
        os.fchown(folder, user.pw_uid, user.pw_gid)
        for entry in (*folders, *files):
            os.chown(entry, user.pw_uid, user.pw_gid, dir_fd=folder, follow_symlinks=False)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)

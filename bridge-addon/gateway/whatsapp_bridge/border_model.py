"""What every value that crosses a border has in common."""

from pydantic import BaseModel, ConfigDict


class BorderModel(BaseModel):
    """A value that crosses a border. Its errors never quote the value, which may be private."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

"""The demo against the image."""

from tests.stack.process import ROOT, running_process

LIMIT = 100.0


async def test_the_demo_works_in_the_container() -> None:
    async with running_process("demo", [ROOT / "scripts/demo", "--container"], {}, stop=True) as demo:
        code = await demo.ended(LIMIT)
        told = "\n".join(demo.lines)
        print(told)
    assert code == 0, told
    assert "It works." in told
    assert "in the app's image" in told

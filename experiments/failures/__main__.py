"""Train every failure: `python -m experiments.failures`.

Each run is stored at once in _build/failures, so the program can be stopped at
any moment and started anew. What is there is then gathered in
`aevae_lib/results/failures.json`, with the pictures in `failures.webp`.
"""

import torch
from tqdm import tqdm

from aevae_lib import data

from ..files import write_json
from . import measures
from .changes import runs
from .gather import finite, gather, scratch


def main() -> None:
    torch.set_num_threads(1)
    dataset = data.load(device="cpu")
    for name, network, seed in tqdm(runs(), unit=" run"):
        path = scratch(name, network, seed)
        if not path.exists():
            seen = measures.pictures(dataset, seed)
            loop, model, report = measures.trained(name, network, seed, seen)
            run = {"rows": report.rows}
            run |= measures.measure(loop, model, report, seen)
            if seed == 0:
                run |= measures.to_show(loop, model, seen)
            write_json(path, finite(run))
    gather()


if __name__ == "__main__":
    main()

"""How fast the ways of training are, and what a change to `fit` is worth."""

from statistics import median, quantiles

from .machine import CORES, THREADS
from .networks import operations
from .turns import ratios, take_turns
from .ways import BATCH, CHANGES, LOOPS, MATRIX, PRODUCTS, STEPS


def throughput() -> dict:
    """Every way to train, with both networks, on one core and on all, or on a
    GPU.
    """
    return {
        f"{network}_{threads}_{way.lower()}": found
        for network in BATCH
        for threads in THREADS
        for way, found in compared(network, threads).items()
    }


def compared(network: str, threads: int) -> dict[str, dict]:
    """Every way to train one network."""
    each, found = operations(network), {}
    seconds, memory = take_turns(LOOPS, network, threads)
    peaks = [PRODUCTS * 2 * MATRIX**3 / turn for turn in seconds["product"]]
    for way in ("fit", "plain", "DataLoader"):
        images = STEPS[network] * BATCH[network]
        rates = [images / turn for turn in seconds[way]]
        shares = [
            rate * each / peak for rate, peak in zip(rates, peaks, strict=True)
        ]
        longer = ratios(seconds[way], seconds["plain"])
        found[way] = {
            "images_per_second": median(rates),
            "share_of_peak": median(shares),
            "time_over_plain": median(longer),
            "quartiles": quantiles(longer, n=4)[::2],
            "gigaflops_peak": median(peaks) / 1e9,
            "megaflop_per_image": each / 1e6,
            "megabytes": memory[way],
        }
    return found


def changes() -> dict:
    """How many times as long `fit` takes on all cores when one of its changes
    is undone.
    """
    found: dict[str, dict] = {change: {} for change in CHANGES}
    for network in BATCH:
        undone = [change for change in CHANGES if network in CHANGES[change]]
        seconds, _ = take_turns(["fit", *undone], network, CORES)
        for change in undone:
            longer = ratios(seconds[change], seconds["fit"])
            found[change][network] = {
                "ratio": median(longer),
                "quartiles": quantiles(longer, n=4)[::2],
            }
    return found

"""Answers to the exercises of lesson 06."""

import numpy as np
import torch
import torch.nn.functional as F

from gallery import Entry, Wrong

# 6.1 A step in parts


def _bf16(features, weight):
    return (features.bfloat16() @ weight.bfloat16().T).float()


def _parts(labels, size):
    return [slice(s, s + size) for s in range(0, len(labels), size)]


def step_mean_of_means(weight, features, labels, size, lr):
    w = weight.clone().requires_grad_()
    parts = _parts(labels, size)
    for part in parts:
        with torch.autocast("cpu", torch.bfloat16):
            scores = features[part] @ w.T
        (F.cross_entropy(scores.float(), labels[part]) / len(parts)).backward()
    return (w - lr * w.grad).detach()


def step_means_added(weight, features, labels, size, lr):
    w = weight.clone().requires_grad_()
    for part in _parts(labels, size):
        F.cross_entropy(_bf16(features[part], w), labels[part]).backward()
    return (w - lr * w.grad).detach()


def step_zeroed(weight, features, labels, size, lr):
    w = weight.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=lr)
    for part in _parts(labels, size):
        optimizer.zero_grad()
        loss = F.cross_entropy(_bf16(features[part], w), labels[part], reduction="sum")
        (loss / len(labels)).backward()
    optimizer.step()
    return w.detach()


def step_every_part(weight, features, labels, size, lr):
    w = weight.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=lr)
    for part in _parts(labels, size):
        loss = F.cross_entropy(_bf16(features[part], w), labels[part], reduction="sum")
        (loss / len(labels)).backward()
        optimizer.step()
        optimizer.zero_grad()
    return w.detach()


def step_float32(weight, features, labels, size, lr):
    w = weight.clone().requires_grad_()
    F.cross_entropy(features @ w.T, labels).backward()
    return (w - lr * w.grad).detach()


def step_rest_lost(weight, features, labels, size, lr):
    w = weight.clone().requires_grad_()
    for number in range(len(labels) // size):
        part = slice(number * size, (number + 1) * size)
        loss = F.cross_entropy(_bf16(features[part], w), labels[part], reduction="sum")
        (loss / len(labels)).backward()
    return (w - lr * w.grad).detach() if w.grad is not None else w.detach()


def step_uphill(weight, features, labels, size, lr):
    return 2 * weight - step_by_hand(weight, features, labels, size, lr)


def step_sum(weight, features, labels, size, lr):
    w = weight.clone().requires_grad_()
    F.cross_entropy(_bf16(features, w), labels, reduction="sum").backward()
    return (w - lr * w.grad).detach()


def step_in_place(weight, features, labels, size, lr):
    weight -= weight - step_by_hand(weight, features, labels, size, lr)
    return weight


def step_all_bf16(weight, features, labels, size, lr):
    return step_by_hand(weight, features, labels, size, lr).bfloat16()


def step_by_hand(weight, features, labels, size, lr):
    """Without autograd: probability minus target, part by part."""
    total = torch.zeros_like(weight)
    for part in _parts(labels, size):
        x = features[part].bfloat16()
        p = (x @ weight.bfloat16().T).float().softmax(1)
        p = p - F.one_hot(labels[part], len(weight))
        total += ((p / len(labels)).bfloat16().T @ x).to(weight.dtype)
    return weight - lr * total


def step_by_optimizer(weight, features, labels, size, lr):
    w = torch.nn.Parameter(weight.clone())
    optimizer = torch.optim.SGD([w], lr=lr)
    for x, y in zip(features.split(size), labels.split(size), strict=True):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = F.linear(x, w)
        loss = F.cross_entropy(scores.to(weight.dtype), y) * len(y) / len(labels)
        loss.backward()
    optimizer.step()
    return w.detach()


# 6.2 Resume


def _adam(weight, first, second, step, steps, g, *, clock=None, place=None):
    first = first * 0.9 + g * 0.1
    second = second * 0.999 + g**2 * 0.001
    n = step + 1 if clock is None else clock
    up = first / (1 - 0.9**n)
    down = (second / (1 - 0.999**n)).sqrt() + 1e-8
    rate = 0.1 * (1 - (step if place is None else place) / steps)
    return weight - rate * up / down, first, second


def resume_new_optimizer(weight, first, second, done, until, steps, gradient):
    first, second = torch.zeros_like(first), torch.zeros_like(second)
    return resume_by_steps(weight, first, second, done, until, steps, gradient)


def resume_renumbered(weight, first, second, done, until, steps, gradient):
    for t in range(until - done):
        weight, first, second = _adam(weight, first, second, t, steps, gradient(weight, t))
    return weight, first, second


def resume_same_batches(weight, first, second, done, until, steps, gradient):
    for i, t in enumerate(range(done, until)):
        weight, first, second = _adam(weight, first, second, t, steps, gradient(weight, i))
    return weight, first, second


def resume_new_schedule(weight, first, second, done, until, steps, gradient):
    for i, t in enumerate(range(done, until)):
        g = gradient(weight, t)
        weight, first, second = _adam(weight, first, second, t, steps, g, place=i)
    return weight, first, second


def resume_new_clock(weight, first, second, done, until, steps, gradient):
    for i, t in enumerate(range(done, until), 1):
        g = gradient(weight, t)
        weight, first, second = _adam(weight, first, second, t, steps, g, clock=i)
    return weight, first, second


def resume_off_by_one(weight, first, second, done, until, steps, gradient):
    return resume_by_steps(weight, first, second, done + 1, until, steps, gradient)


def resume_one_more(weight, first, second, done, until, steps, gradient):
    return resume_by_steps(weight, first, second, done, until + 1, steps, gradient)


def resume_counts(weight, first, second, done, until, steps, gradient):
    return resume_by_steps(weight, first, second, done, done + until, steps, gradient)


def resume_weight_only(weight, first, second, done, until, steps, gradient):
    return resume_by_steps(weight, first, second, done, until, steps, gradient)[0]


def resume_spoils(weight, first, second, done, until, steps, gradient):
    made = resume_by_steps(weight, first, second, done, until, steps, gradient)
    first.copy_(made[1])
    return made


class Remembers:
    """A little noise from a generator of its own, which a resume cannot know."""

    def __init__(self):
        self.draw = torch.Generator().manual_seed(0)

    def __call__(self, weight, first, second, done, until, steps, gradient):
        made = resume_by_steps(weight, first, second, done, until, steps, gradient)
        noise = 1e-6 * torch.randn(weight.shape, generator=self.draw)
        return made[0] + noise.to(weight.dtype), made[1], made[2]


def resume_by_steps(weight, first, second, done, until, steps, gradient):
    t = done
    while t < until:
        weight, first, second = _adam(weight, first, second, t, steps, gradient(weight, t))
        t += 1
    return weight, first, second


def resume_by_torch(weight, first, second, done, until, steps, gradient):
    """torch's own Adam, its state put back."""
    w = torch.nn.Parameter(weight.clone())
    adam = torch.optim.Adam([w], lr=0.1)
    moments = {"exp_avg": first.clone(), "exp_avg_sq": second.clone()}
    adam.state[w] = {"step": torch.tensor(float(done)), **moments}
    for t in range(done, until):
        w.grad = gradient(w.detach(), t)
        adam.param_groups[0]["lr"] = 0.1 * (1 - t / steps)
        adam.step()
    state = adam.state[w]
    return w.detach(), state["exp_avg"], state["exp_avg_sq"]


# 6.3 Curves


def _letters(none, optimizer, temperature, shuffle):
    told = {
        "none": none,
        "optimizer after the model": optimizer,
        "smaller temperature": temperature,
        "shuffle": shuffle,
    }
    return lambda cure: told[cure]


def curves_by_questions(cure):
    moves = {"a": True, "b": True, "c": False, "d": True}
    width = {"a": 1.1, "b": 1.1, "c": 1.1, "d": 0.0}
    falls = {"b"}
    for letter in "abcd":
        if not moves[letter]:
            found = "optimizer after the model"
        elif not width[letter]:
            found = "shuffle"
        else:
            found = "none" if letter in falls else "smaller temperature"
        if found == cure:
            return letter


# 6.4 Gap


def gap_unpaired(a, b):
    return a.mean() - b.mean(), ((a.var() + b.var()) / len(a)) ** 0.5


def gap_of_roots(a, b):
    return a.mean() - b.mean(), (a.std() ** 2 + b.std() ** 2).sqrt() / len(a) ** 0.5


def gap_spread(a, b):
    return (a - b).mean(), (a - b).std()


def gap_population(a, b):
    d = a - b
    return d.mean(), ((d - d.mean()) ** 2).mean().sqrt() / len(d) ** 0.5


def gap_turned(a, b):
    return (b - a).mean(), (b - a).std() / len(a) ** 0.5


def gap_over_n(a, b):
    return (a - b).mean(), (a - b).std() / len(a)


def gap_floats(a, b):
    d = (a - b).tolist()
    return sum(d) / len(d), 0.0


def gap_by_covariance(a, b):
    cov = torch.cov(torch.stack([a, b]))
    return a.mean() - b.mean(), ((cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) / len(a)) ** 0.5


def gap_by_numpy(a, b):
    d = np.asarray(a) - np.asarray(b)
    error = np.std(d, ddof=1) / np.sqrt(len(d))
    return torch.tensor(d.mean(), dtype=a.dtype), torch.tensor(error, dtype=a.dtype)


def gap_by_loops(a, b):
    n, d = len(a), [x - y for x, y in zip(a, b, strict=True)]
    mean = sum(d) / n
    return mean, (sum((x - mean) ** 2 for x in d) / (n - 1) / n) ** 0.5


# 6.5 Settings

TRUE = {"batch 8 for 16", "accumulation, DualCL", "pairing", "learning rate"}


def settings_by_reason(setting):
    return {
        "batch 8 for 16": "other batches",
        "accumulation, DualCL": "other candidates",
        "pairing": "other batches",
        "learning rate": "other steps",
    }.get(setting) is not None


ENTRIES = [
    Entry(
        "06-step",
        [
            Wrong("mean of the parts' means", step_mean_of_means, "mean of the parts' means"),
            Wrong("means of the parts added up", step_means_added, "add up the means of the parts"),
            Wrong("zero_grad inside the loop", step_zeroed, "Only the last part"),
            Wrong("optimizer.step() inside the loop", step_every_part, "update after every part"),
            Wrong("no autocast", step_float32, "open torch.autocast"),
            Wrong("last, shorter part lost", step_rest_lost, "the last, shorter part"),
            Wrong("gradient added", step_uphill, "goes uphill"),
            Wrong("sum in place of the mean", step_sum, "sum over the batch"),
            Wrong(
                "weight changed in place", step_in_place, "changed its input weight", graded=False
            ),
            Wrong("result in bfloat16", step_all_bf16, "xpected dtype float32", graded=False),
        ],
        [step_by_hand, step_by_optimizer],
    ),
    Entry(
        "06-resume",
        [
            Wrong("a new optimizer", resume_new_optimizer, "moments begin at zero"),
            Wrong("updates numbered from 0 again", resume_renumbered, "numbered from 0 again"),
            Wrong("the first batches again", resume_same_batches, "the first updates again"),
            Wrong("the schedule from its start", resume_new_schedule, "starts anew"),
            Wrong("bias correction from its start", resume_new_clock, "since the resume"),
            Wrong("one update left out", resume_off_by_one, "leave out an update"),
            Wrong("one update too many", resume_one_more, "one update too many"),
            Wrong("`until` more updates", resume_counts, "`until` more updates"),
            Wrong("the weight only", resume_weight_only, "Expected 3 tensors"),
            Wrong("saved moment overwritten", resume_spoils, "changed its input", graded=False),
            Wrong(
                "a generator of its own", Remembers(), "do not end at the same bits", graded=False
            ),
        ],
        [resume_by_steps, resume_by_torch],
    ),
    Entry(
        "06-curves",
        [
            Wrong("flat term called sound", _letters("a", "c", "b", "d"), "learned nothing"),
            Wrong("sorted batches called sound", _letters("d", "c", "a", "b"), "how wide"),
            Wrong("dead run called sound", _letters("c", "b", "a", "d"), "nothing moves but noise"),
            Wrong(
                "flat term for a dead optimizer", _letters("b", "a", "c", "d"), "weights do move"
            ),
            Wrong("the two flat terms exchanged", _letters("b", "c", "d", "a"), "does not widen"),
            Wrong("the sound run twice", _letters("b", "c", "a", "b"), "The band of b has room"),
        ],
        [_letters("b", "c", "a", "d"), _letters("(b)", " C", "a.", "D"), curves_by_questions],
    ),
    Entry(
        "06-gap",
        [
            Wrong("seeds taken for others", gap_unpaired, "seeds of their own"),
            Wrong("the same, from deviations", gap_of_roots, "seeds of their own"),
            Wrong("spread in place of error", gap_spread, "error of the mean of n"),
            Wrong("n for n - 1", gap_population, "it is n - 1"),
            Wrong("b minus a", gap_turned, "wrong sign"),
            Wrong("n not under the root", gap_over_n, "under the root"),
            Wrong("plain numbers", gap_floats, "float", graded=False),
        ],
        [gap_by_covariance, gap_by_numpy, gap_by_loops],
    ),
    Entry(
        "06-settings",
        [
            Wrong("everything changes it", lambda setting: True, "mean over sentences"),
            Wrong("nothing changes it", lambda setting: False, "A batch of 8"),
            Wrong(
                "accumulation is harmless",
                lambda setting: setting in TRUE - {"accumulation, DualCL"},
                "what becomes of the candidates",
            ),
            Wrong(
                "bfloat16 is a change",
                lambda setting: setting in TRUE | {"bfloat16"},
                "there is no rounding",
            ),
            Wrong(
                "padding is a change",
                lambda setting: setting in TRUE | {"longer padding"},
                "no word looks at it",
            ),
            Wrong(
                "pairing is harmless",
                lambda setting: setting in TRUE - {"pairing"},
                "which sentences share a batch",
            ),
            Wrong(
                "yes and no in words",
                lambda setting: "yes" if setting in TRUE else "no",
                "Expected True or False",
            ),
        ],
        [lambda setting: setting in TRUE, settings_by_reason],
    ),
]

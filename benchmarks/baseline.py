"""The baseline: DualCL trained and judged as the authors' last release does it, in our own code.

What it does, and what the package does instead, is the table in benchmarks/page.md. Two things
are ours, so that only the procedure differs: the learning rate of a step is the caller's, and
``alpha`` is given as the lambda it stands for.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dualcl_tutorial.encoders import load_encoder
from dualcl_tutorial.losses import label_logits
from dualcl_tutorial.variants import release_loss

MAX_LENGTH = 256


class Baseline:
    """One model and its optimizer.

    ``positions`` is "shared" ([CLS] and all labels at 0: the release) or "sequential" (the paper).
    """

    def __init__(
        self,
        encoder: str,
        label_words: list[str],
        *,
        weight: float = 0.1,
        lr: float = 1e-4,
        positions: str = "shared",
    ):
        self.encoder, self.tokenizer = load_encoder(encoder)
        self.max_length = min(MAX_LENGTH, self.tokenizer.model_max_length)
        self.label_words = label_words
        self.zeros = [0] * len(label_words) if positions == "shared" else []
        self.alpha = 2 * weight / (1 + 2 * weight)  # (1-alpha) CE + alpha/2 (..), lambda = weight
        self.optimizer = torch.optim.AdamW(self.encoder.parameters(), lr=lr, weight_decay=0.01)

    def batch(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenize, pad to the longest, number the positions."""
        head = [*self.label_words, self.tokenizer.sep_token]
        inputs = self.tokenizer(
            [[*head, *text.lower().split(" ")] for text in texts],
            is_split_into_words=True,
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_tensors="pt",
        )
        rest = range(inputs["input_ids"].shape[1] - len(self.zeros))
        return {**inputs, "position_ids": torch.tensor([[*self.zeros, *rest]] * len(texts))}

    def read(self, texts: list[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Return z, theta and logits: one token a label, at positions 1 to K."""
        hidden = self.encoder(**self.batch(texts)).last_hidden_state  # (N, L, d)
        z, theta = hidden[:, 0], hidden[:, 1 : len(self.label_words) + 1]
        return z, theta, label_logits(z, theta)

    def step(self, texts: list[str], labels: list[int], lr: float | None = None) -> float:
        """Do one step of training and return its loss."""
        self.encoder.train()
        if lr is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = lr
        z, theta, _ = self.read(texts)
        loss = release_loss(z, theta, torch.tensor(labels), alpha=self.alpha)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, texts: list[str], batch_size: int = 64) -> list[int]:
        """Classify texts in the order they come in."""
        self.encoder.eval()
        found: list[int] = []
        with torch.no_grad():
            for start in range(0, len(texts), batch_size):
                logits = self.read(texts[start : start + batch_size])[2]
                found += logits.argmax(-1).tolist()
        return found


def random_batches(examples: int, batch_size: int, seed: int) -> list[list[int]]:
    """Cut a random order into batches; the last may be smaller."""
    order = torch.randperm(examples, generator=torch.Generator().manual_seed(seed)).tolist()
    return [order[i : i + batch_size] for i in range(0, examples, batch_size)]

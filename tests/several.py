"""One of several processes of a run whose outcome does not depend on their number.

Float64, no dropout, and plain gradient descent: AdamW turns the rounding noise on weights that have
no gradient (the keys' biases in attention) into steps.
"""

import json
import sys

import torch

from dualcl_tutorial import training

build_model = training.build_model


def plain_model(config, label_words):
    model = build_model(config, label_words).double()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def plain_optimizer(groups, *, lr, fused):
    return torch.optim.SGD(groups, lr=lr)


if __name__ == "__main__":
    training.build_model = plain_model
    torch.optim.AdamW = plain_optimizer
    result = training.train(training.TrainConfig(**json.loads(sys.argv[1])))
    print(result.accuracy, result.path, len(result.history))

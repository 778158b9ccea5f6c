"""PyTorch, eager: nn.LSTM under a Linear head, mean squared error, Adam.

Modes: train and epoch1 (PyTorch knows no epochs: both are one step), fitcall (24 steps), newfit (a new model and 1000
steps), infer, stream (nn.LSTMCell, the faster of its two ways).
"""
from protocol import THREADS, Run, Setup, repeated, serve

import torch
from torch import nn

torch.set_num_threads(THREADS)


class Net(nn.Module):
    def __init__(self, setup: Setup):
        super().__init__()
        self.lstm = nn.LSTM(setup.features, setup.units, num_layers=setup.layers, batch_first=True)
        self.head = nn.Linear(setup.units, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0][:, -1])


def training_step(setup: Setup):
    x, y = torch.rand(setup.batch, setup.steps, setup.features), torch.rand(setup.batch, 1)
    net, loss = Net(setup), nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()
    return step


def steps(step, count: int) -> None:
    for _ in range(count):
        step()


def streaming_step(setup: Setup):
    cell, x = nn.LSTMCell(setup.features, setup.units), torch.rand(1, setup.features)
    state = torch.zeros(1, setup.units), torch.zeros(1, setup.units)

    @torch.inference_mode()
    def step() -> None:
        nonlocal state
        state = cell(x, state)
    return step


def make(setup: Setup) -> Run:
    torch.manual_seed(1)
    if setup.mode in ("train", "epoch1"):
        return repeated(training_step(setup))
    if setup.mode == "fitcall":
        step = training_step(setup)
        return repeated(lambda: steps(step, 24))
    if setup.mode == "newfit":
        return repeated(lambda: steps(training_step(setup), 1000))
    if setup.mode == "infer":
        net, x = Net(setup).eval(), torch.rand(setup.batch, setup.steps, setup.features)
        return repeated(torch.inference_mode()(lambda: net(x)))
    if setup.mode == "stream":
        return repeated(streaming_step(setup))
    raise ValueError(f"no mode {setup.mode!r}")


serve(make)

"""Plain JAX, without Keras: the same net and Adam by hand, and the whole fit inside one jitted loop, which is the best
that its compiler can do.

Modes: train (one step of that loop), infer, stream (one jitted call a step).
"""
from protocol import Run, Setup, repeated, serve

import time

import jax
import jax.numpy as jnp
import numpy as np


def cell(weights, state, xw):
    """One time step; xw: (batch, 4 units), the input's part of the sums with the bias."""
    h, c = state
    i, f, g, o = jnp.split(xw + h @ weights["recurrent"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def lstm(weights, x):
    """x: (steps, batch, features); all outputs, (steps, batch, units)."""
    zero = jnp.zeros((x.shape[1], weights["recurrent"].shape[0]))
    xw = x @ weights["kernel"] + weights["bias"]
    return jax.lax.scan(lambda state, z: cell(weights, state, z), (zero, zero), xw)[1]


def net(parameters, x):
    for weights in parameters["layers"]:
        x = lstm(weights, x)
    return x[-1] @ parameters["head"] + parameters["head_bias"]


def adam_step(state, x, y):
    parameters, m, v, t = state
    gradient = jax.grad(lambda p: jnp.mean((net(p, x) - y) ** 2))(parameters)
    t = t + 1
    m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, gradient)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    parameters = jax.tree.map(lambda p, a, b: p - rate * a / (jnp.sqrt(b) + 1e-7), parameters, m, v)
    return parameters, m, v, t


def initial(setup: Setup):
    random = np.random.default_rng(1)

    def uniform(*shape):
        return jnp.asarray((random.random(shape, dtype=np.float32) - 0.5) * 2 / np.sqrt(setup.units))
    layers = [{"kernel": uniform(setup.features if layer == 0 else setup.units, 4 * setup.units),
               "recurrent": uniform(setup.units, 4 * setup.units), "bias": uniform(4 * setup.units)}
              for layer in range(setup.layers)]
    parameters = {"layers": layers, "head": uniform(setup.units, 1), "head_bias": uniform(1)}
    x = jnp.asarray(random.random((setup.steps, setup.batch, setup.features), dtype=np.float32))
    y = jnp.asarray(random.random((setup.batch, 1), dtype=np.float32))
    return parameters, x, y


def whole_fit(setup: Setup) -> Run:
    parameters, x, y = initial(setup)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0))
    fit = jax.jit(lambda state, n, x, y: jax.lax.fori_loop(0, n, lambda _, s: adam_step(s, x, y), state),
                  donate_argnums=0)

    def run(n: int) -> float:
        nonlocal state
        start = time.perf_counter()
        state = fit(state, n, x, y)
        jax.block_until_ready(state)
        return (time.perf_counter() - start) / n
    return run


def streaming_step(setup: Setup):
    parameters, x, _ = initial(setup)
    weights = parameters["layers"][0]
    step = jax.jit(lambda state, x: cell(weights, state, x @ weights["kernel"] + weights["bias"]))
    state, features = (jnp.zeros((1, setup.units)), jnp.zeros((1, setup.units))), x[0]

    def iterate() -> np.ndarray:
        nonlocal state
        state, h = step(state, features)
        return np.asarray(h)
    return iterate


def make(setup: Setup) -> Run:
    if setup.mode == "train":
        return whole_fit(setup)
    if setup.mode == "infer":
        parameters, x, _ = initial(setup)
        predict = jax.jit(net)
        return repeated(lambda: np.asarray(predict(parameters, x)))
    if setup.mode == "stream":
        return repeated(streaming_step(setup))
    raise ValueError(f"no mode {setup.mode!r}")


serve(make)

"""Keras 3 on the backend that KERAS_BACKEND names (tensorflow or jax): LSTM layers under Dense(1), compile and fit.

Modes: train (one step inside an epoch of many batches), epoch1 (an epoch of one batch inside a long fit), fitcall
(fit of 24 batches, not shuffled), infer (predict_on_batch), stream (a stateful step, compiled by the backend).
"""
from protocol import THREADS, Run, Setup, repeated, serve

import os
import time

import numpy as np

BACKEND = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if BACKEND == "tensorflow":
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
else:
    import jax

import keras  # noqa: E402  after the limits above

DATA_BYTES, MOST_BATCHES = 200_000_000, 20_000


def build(setup: Setup, head: bool = True, stateful: bool = False) -> keras.Sequential:
    shape = (setup.steps, setup.features)
    model = keras.Sequential([keras.Input(batch_shape=(setup.batch, *shape)) if stateful else keras.Input(shape)])
    for layer in range(setup.layers):
        model.add(keras.layers.LSTM(setup.units, return_sequences=layer < setup.layers - 1, stateful=stateful))
    if head:
        model.add(keras.layers.Dense(1))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mean_squared_error")
    return model


def data(setup: Setup, batches: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    samples = batches * setup.batch
    return (random.random((samples, setup.steps, setup.features), dtype=np.float32),
            random.random((samples, 1), dtype=np.float32))


class StepClock(keras.callbacks.Callback):
    """The time from the end of the first batch to the end of the epoch: steps without the start of fit."""

    def __init__(self):
        super().__init__()
        self.start = self.end = 0.0

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            for value in (logs or {}).values():
                float(value)  # waits for a backend that runs ahead
            self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.end = time.perf_counter()


def steps_of_fit(setup: Setup) -> Run:
    batches = max(3, min(MOST_BATCHES, DATA_BYTES // (4 * setup.batch * setup.steps * setup.features)))
    x, y = data(setup, batches)
    model = build(setup)

    def run(n: int) -> float:
        count = max(3, min(n + 1, batches))
        samples, clock = count * setup.batch, StepClock()
        model.fit(x[:samples], y[:samples], batch_size=setup.batch, epochs=1, shuffle=False, verbose=0,
                  callbacks=[clock])
        return (clock.end - clock.start) / (count - 1)
    return run


def epochs_of_fit(setup: Setup) -> Run:
    x, y = data(setup, 1)
    model = build(setup)

    def run(n: int) -> float:
        start = time.perf_counter()
        model.fit(x, y, batch_size=setup.batch, epochs=n, verbose=0)
        return (time.perf_counter() - start) / n
    return run


def streaming_step(setup: Setup):
    model, (x, _) = build(setup, head=False, stateful=True), data(setup, 1)
    if BACKEND == "tensorflow":
        constant = tf.constant(x)
        step = tf.function(lambda: model(constant, training=False))
        return lambda: step().numpy()
    model(x)
    weights = [v.value for v in model.trainable_variables]
    state = [v.value for v in model.non_trainable_variables]
    step = jax.jit(lambda weights, state, x: model.stateless_call(weights, state, x, training=False))
    x = jax.numpy.asarray(x)

    def iterate() -> np.ndarray:
        nonlocal state
        y, state = step(weights, state, x)
        return np.asarray(y)
    return iterate


def make(setup: Setup) -> Run:
    keras.backend.clear_session()
    if setup.mode == "train":
        return steps_of_fit(setup)
    if setup.mode == "epoch1":
        return epochs_of_fit(setup)
    if setup.mode == "fitcall":
        model, (x, y) = build(setup), data(setup, 24)
        return repeated(lambda: model.fit(x, y, batch_size=setup.batch, epochs=1, shuffle=False, verbose=0))
    if setup.mode == "infer":
        model, (x, _) = build(setup), data(setup, 1)
        return repeated(lambda: model.predict_on_batch(x))
    if setup.mode == "stream":
        return repeated(streaming_step(setup))
    raise ValueError(f"no mode {setup.mode!r}")


serve(make)

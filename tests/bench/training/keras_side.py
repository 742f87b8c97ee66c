"""Keras on the other side of a pipe: builds the original's networks, trains and answers when told. Imports no GIZ.

Reads one JSON object a line, {"do": "train" | "predict" | "predict_on_batch", ...}, and answers with one.
"""

import json
import os
import sys
import time

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# (width, pool, batch norm, dropout) of each block; widths of the dense layers.
NETWORKS = {
    "model4": (((16, 2, 0, 1), (32, 4, 1, 1)), (256, 32, 8)),
    "model5": (((128, 2, 0, 1), (256, 4, 1, 1), (256, 4, 1, 0)), (256, 128, 64, 8)),
    "model6": (((32, 2, 0, 1), (64, 4, 1, 1)), (128, 64, 8)),
}


def build(name):
    import keras
    from keras import layers

    blocks, dense = NETWORKS[name.removesuffix("-binary")]
    model = keras.Sequential([keras.Input((128, 128, 3))])
    for width, pool, has_norm, has_dropout in blocks:
        model.add(layers.Conv2D(width, 3, activation="relu"))
        model.add(layers.Conv2D(width, 3, activation="relu"))
        if has_norm:
            model.add(layers.BatchNormalization())
        model.add(layers.MaxPooling2D(pool))
        if has_dropout:
            model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    for width in dense:
        model.add(layers.Dense(width, activation="relu"))
    is_binary = name.endswith("-binary")
    model.add(layers.Dense(2, activation="softmax") if is_binary else layers.Dense(1, activation="tanh"))
    model.compile("adam", "sparse_categorical_crossentropy" if is_binary else "mse")
    return model


def timed(work, rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        work()
    return {"wall": (time.perf_counter() - wall) / rounds, "cpu": (time.process_time() - cpu) / rounds}


def main():
    threads = int(sys.argv[1])
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    rng = np.random.default_rng(1)
    models = {}
    print(json.dumps({"version": tf.__version__}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        names = order["networks"]
        for number, name in enumerate(names):
            models.setdefault((number, name), build(name))
        mine = [models[number, name] for number, name in enumerate(names)]
        pictures = rng.random((order["size"], 128, 128, 3), np.float32)
        if order["do"] == "train":
            (model,), wanted = mine, rng.random(order["size"], np.float32) * 2 - 1
            answer = timed(lambda model=model, x=pictures, y=wanted: model.train_on_batch(x, y), order["rounds"])
            answer["parameters"] = model.count_params()
        else:
            options = {"verbose": 0} if order["do"] == "predict" else {}
            ask = [getattr(model, order["do"]) for model in mine]
            answer = timed(lambda ask=ask, x=pictures, o=options: [one(x, **o) for one in ask], order["rounds"])
        print(json.dumps(answer), flush=True)


main()

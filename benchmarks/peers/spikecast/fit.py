"""A model of this package with its default settings."""

import spikecast as sc


def predict_rates(source, target, source_test, name):
    model = sc.models.MODELS[name](seed=0)
    return model.fit(source, target).predict(source_test)

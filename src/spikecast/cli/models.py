"""spikecast models."""

from spikecast.cli.app import print_warning


def models() -> None:
    """List the models: name, whether latents are causal, what it is, its paper."""
    from spikecast.models.catalog import MODELS, NOTICES
    from spikecast.models.classifiers import CLASSIFIERS

    for name, model in MODELS.items():
        instance = model()
        latents = "acausal or causal" if "causal" in instance.get_params() else "acausal"
        latents = latents if instance.has_latents else "no latents"
        source = "the null" if model.is_null else model.paper or "no paper"
        print(f"{name:<24}{latents:<19}{model.about} [{source}]")
    for notice in NOTICES:
        print_warning(str(notice))
    print("\nfor labels of trials (spikecast decode --decoder NAME):")
    for name, entry in CLASSIFIERS.items():
        print(f"{name:<24}{'no latents':<19}{entry.about} [{entry.paper}]")

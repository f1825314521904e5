"""What is compared: the plan of nets, optimizers and lengths, and that no technique is left out."""

from bench import plan
from bench.conformance import cases, nets
from bench.optimizers import CONSTANTS


def test_the_full_plan_is_the_one_that_is_promised() -> None:
    planned = {(c.model, c.optimizer, c.dtype, c.steps) for c in cases.cases("full")}
    deck = [("lenet", "adam"), ("mlp", "sgd"), ("mlp", "momentum"), ("mlp", "adam")]
    lengths = [("float64", 200), ("float32", 20)]
    own = {(*net, *length) for net in deck for length in lengths}
    own |= {(*net, "float64", 200) for net in cases.TECHNIQUES}
    deep = [("vgg", "momentum"), ("resnet", "adam"), ("segnet", "adam")]
    assert planned == own | {(*net, "float64", 50) for net in deep}
    assert len(nets.NETS["resnet"].spec().parameters) == 20 + 2 * 19 + 1  # of ResNet-20


def test_every_technique_is_compared() -> None:
    options = [nets.NETS[model].spec().options for model, _ in cases.TECHNIQUES]
    assert {o["activation"] for o in options} >= {"sigmoid", "tanh", "relu"}
    assert {o.get("dropout") for o in options} == {"deck", "inverted", None}
    architectures = {nets.NETS[model].spec().architecture for model, _ in cases.TECHNIQUES}
    normed = {
        nets.NETS[model].spec().architecture
        for (model, _), o in zip(cases.TECHNIQUES, options, strict=True)
        if o["norm"]
    }
    assert normed == architectures == {"mlp", "convnet"}
    compared = {case.optimizer for case in cases.cases("full")}
    assert compared == set(cases.OPTIMIZERS) == set(CONSTANTS)
    asked = [nets.NETS[model] for model, _ in cases.TECHNIQUES]
    assert {net.schedule for net in asked} == {"", "piecewise_constant", "exponential_decay"}
    assert any(net.augmented for net in asked)
    assert any(net.parts > 1 for net in asked)


def test_no_bias_stands_before_batch_norm() -> None:
    """Its gradient would vanish identically, and nothing could be compared."""
    for case in cases.cases("full"):
        spec = case.spec()
        for name in spec.parameters:
            if name.endswith("/scale"):
                layer = name.removesuffix("/scale")
                before = "fc" if spec.architecture == "mlp" else "conv"
                weight = layer.replace("decode_bn", "decode").replace("bn", before)
                assert f"{weight}/weight" in spec.parameters
                assert f"{weight}/bias" not in spec.parameters


def test_a_data_set_is_planned_for_every_net() -> None:
    assert {case.net.dataset for case in cases.cases("full")} == set(plan.CONFORMANCE_DATASETS)
    architectures = {case.spec().architecture for case in cases.cases("full")}
    assert {*architectures, "preprocessing"} == set(plan.CONFORMANCE_ARCHITECTURES)

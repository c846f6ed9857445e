"""The networks of `keras.applications` and their ImageNet weights: where from, and with which hash.

As in `keras/src/applications` of Keras 3; a test asks the Keras that is installed. Of two networks
Keras names no hash.
"""

from dataclasses import dataclass

_TENSORFLOW = "https://storage.googleapis.com/tensorflow/keras-applications/"
_KERAS = "https://storage.googleapis.com/keras-applications/"


@dataclass(frozen=True)
class Download:
    """A file of weights that Keras keeps in its cache.

    Attributes:
        file: its name there.
        url: where it comes from.
        hash: its digest, in hexadecimal, MD5 or SHA-256; empty where Keras names none.
    """

    file: str
    url: str
    hash: str

    @property
    def algorithm(self) -> str:
        """Of the hash."""
        return "sha256" if len(self.hash) == 64 else "md5"


def _in(folder: str, file: str, hash_: str, name: str = "") -> Download:
    """A file in a folder of TensorFlow's, or of Keras'; it may have another name there."""
    place = f"{_TENSORFLOW}{folder}/" if folder else _KERAS
    return Download(file, f"{place}{name or file}", hash_)


def _usual(folder: str, name: str, hash_: str) -> Download:
    return _in(folder, f"{name}_weights_tf_dim_ordering_tf_kernels.h5", hash_)


INCEPTION = "InceptionV3"
"""The network that is meant where none is named."""
APPLICATIONS = {
    "ConvNeXtBase": _in(
        "convnext",
        "convnext_base.h5",
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    ),
    "ConvNeXtLarge": _in(
        "convnext",
        "convnext_large.h5",
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    ),
    "ConvNeXtSmall": _in(
        "convnext",
        "convnext_small.h5",
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    ),
    "ConvNeXtTiny": _in(
        "convnext",
        "convnext_tiny.h5",
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    ),
    "ConvNeXtXLarge": _in(
        "convnext",
        "convnext_xlarge.h5",
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    ),
    "DenseNet121": _usual("densenet", "densenet121", "9d60b8095a5708f2dcce2bca79d332c7"),
    "DenseNet169": _usual("densenet", "densenet169", "d699b8f76981ab1b30698df4c175e90b"),
    "DenseNet201": _usual("densenet", "densenet201", "1ceb130c1ea1b78c3bf6114dbdfd8807"),
    "EfficientNetB0": _in("", "efficientnetb0.h5", "902e53a9f72be733fc0bcb005b3ebbac"),
    "EfficientNetB1": _in("", "efficientnetb1.h5", "1d254153d4ab51201f1646940f018540"),
    "EfficientNetB2": _in("", "efficientnetb2.h5", "b15cce36ff4dcbd00b6dd88e7857a6ad"),
    "EfficientNetB3": _in("", "efficientnetb3.h5", "ffd1fdc53d0ce67064dc6a9c7960ede0"),
    "EfficientNetB4": _in("", "efficientnetb4.h5", "18c95ad55216b8f92d7e70b3a046e2fc"),
    "EfficientNetB5": _in("", "efficientnetb5.h5", "ace28f2a6363774853a83a0b21b9421a"),
    "EfficientNetB6": _in("", "efficientnetb6.h5", "165f6e37dce68623721b423839de8be5"),
    "EfficientNetB7": _in("", "efficientnetb7.h5", "8c03f828fec3ef71311cd463b6759d99"),
    "EfficientNetV2B0": _in(
        "efficientnet_v2", "efficientnetv2-b0.h5", "21ecbf6da12460d5c40bb2f29ceb2188"
    ),
    "EfficientNetV2B1": _in(
        "efficientnet_v2", "efficientnetv2-b1.h5", "069f0534ff22adf035c89e2d9547a9dc"
    ),
    "EfficientNetV2B2": _in(
        "efficientnet_v2", "efficientnetv2-b2.h5", "424e49f28180edbde1e94797771950a7"
    ),
    "EfficientNetV2B3": _in(
        "efficientnet_v2", "efficientnetv2-b3.h5", "1f1fc43bd98a6e4fd8fdfd551e02c7a0"
    ),
    "EfficientNetV2L": _in(
        "efficientnet_v2", "efficientnetv2-l.h5", "27e6d408b53c7ebc868fefa357689935"
    ),
    "EfficientNetV2M": _in(
        "efficientnet_v2", "efficientnetv2-m.h5", "a3bf6aa3276309f4fc6a34aa114c95cd"
    ),
    "EfficientNetV2S": _in(
        "efficientnet_v2", "efficientnetv2-s.h5", "e1d88a8495beba45748fedd0cecbe016"
    ),
    "InceptionResNetV2": _usual(
        "inception_resnet_v2", "inception_resnet_v2", "e693bd0210a403b3192acc6073ad2e96"
    ),
    "InceptionV3": _usual("inception_v3", "inception_v3", "9a0d58056eeedaa3f26cb7ebd46da564"),
    "MobileNet": _in("mobilenet", "mobilenet_1_0_224_tf.h5", ""),
    "MobileNetV2": _in(
        "mobilenet_v2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", ""
    ),
    "MobileNetV3Large": _in(
        "mobilenet_v3",
        "weights_mobilenet_v3_large_224_1.0_float.h5",
        "59e551e166be033d707958cf9e29a6a7",
    ),
    "MobileNetV3Small": _in(
        "mobilenet_v3",
        "weights_mobilenet_v3_small_224_1.0_float.h5",
        "8768d4c2e7dee89b9d02b2d03d65d862",
    ),
    "NASNetLarge": _in(
        "nasnet", "nasnet_large.h5", "11577c9a518f0070763c2b964a382f17", "NASNet-large.h5"
    ),
    "NASNetMobile": _in(
        "nasnet", "nasnet_mobile.h5", "020fb642bf7360b370c678b08e0adf61", "NASNet-mobile.h5"
    ),
    "ResNet101": _usual("resnet", "resnet101", "f1aeb4b969a6efcfb50fad2f0c20cfc5"),
    "ResNet101V2": _usual("resnet", "resnet101v2", "6343647c601c52e1368623803854d971"),
    "ResNet152": _usual("resnet", "resnet152", "100835be76be38e30d865e96f2aaae62"),
    "ResNet152V2": _usual("resnet", "resnet152v2", "a49b44d1979771252814e80f8ec446f9"),
    "ResNet50": _usual("resnet", "resnet50", "2cb95161c43110f7111970584f804107"),
    "ResNet50V2": _usual("resnet", "resnet50v2", "3ef43a0b657b3be2300d5770ece849e0"),
    "VGG16": _usual("vgg16", "vgg16", "64373286793e3c8b2b4e3219cbf3544b"),
    "VGG19": _usual("vgg19", "vgg19", "cbe5617147190e668d6c5d5026f83318"),
    "Xception": _usual("xception", "xception", "0a58e3b7378bc2990ea3b43d5981f1f6"),
}
"""By the name of its class."""

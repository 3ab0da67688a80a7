"""What data sets share that take images of ImageNet, whose classes are its folders `n01440764`."""

FOLDERS = "imagenet", "ilsvrc2012", "ilsvrc"
"""Names that the folder of ImageNet has in circulation."""

TRAIN = "train", "imagenet"
"""Names that the folder of its training images has."""

GET = (
    "Images of ImageNet come as ILSVRC2012_img_train.tar from its page, for research that is not "
    "commercial; unpack the archive of each class to a folder of its name, as train/n01440764."
)
HENDRYCKS = "https://people.eecs.berkeley.edu/~hendrycks/"

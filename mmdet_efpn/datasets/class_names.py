"""Class names of the data sets, in the order of their label numbers.

They live apart from the data set classes: converters read them too.
"""

# Types 1..6 of an annotation line in DeepPCB (Tang et al., 2019), in this order.
DEEPPCB_CLASSES = ('open', 'short', 'mousebite', 'spur', 'copper', 'pin-hole')

# The 45 of TT100K's classes with at least 100 instances, as Zhu et al. (CVPR 2016) evaluate them.
TT100K_CLASSES = (
    'i2', 'i4', 'i5', 'il100', 'il60', 'il80', 'io', 'ip', 'p10', 'p11', 'p12', 'p19',
    'p23', 'p26', 'p27', 'p3', 'p5', 'p6', 'pg', 'ph4', 'ph4.5', 'ph5', 'pl100', 'pl120',
    'pl20', 'pl30', 'pl40', 'pl5', 'pl50', 'pl60', 'pl70', 'pl80', 'pm20', 'pm30', 'pm55',
    'pn', 'pne', 'po', 'pr40', 'w13', 'w32', 'w55', 'w57', 'w59', 'wo',
)  # fmt: skip

# The red round and the blue round signs are pairs that only the mark inside tells apart.
SYNTHETIC_SIGNS_CLASSES = (
    'no-entry',
    'speed-limit',
    'warning',
    'ahead-only',
    'turn-right',
    'priority',
)

# Categories 1..10 of VisDrone-DET (Zhu et al., 2018); 0 and 11 are no classes.
VISDRONE_CLASSES = (
    'pedestrian', 'people', 'bicycle', 'car', 'van', 'truck', 'tricycle', 'awning-tricycle', 'bus',
    'motor',
)  # fmt: skip

# SODA (Cheng et al., TPAMI 2023): driving scenes, and scenes from the air as categories 0..8.
SODA_D_CLASSES = (
    'people', 'rider', 'bicycle', 'motor', 'vehicle', 'traffic-sign', 'traffic-light',
    'traffic-camera', 'warning-cone',
)  # fmt: skip
SODA_A_CLASSES = (
    'airplane', 'helicopter', 'small-vehicle', 'large-vehicle', 'ship', 'container', 'storage-tank',
    'swimming-pool', 'windmill',
)  # fmt: skip

# DOTA 1.0 has the first 15 (Xia et al., CVPR 2018), 1.5 one more, 2.0 all 18.
DOTA_CLASSES = (
    'plane', 'baseball-diamond', 'bridge', 'ground-track-field', 'small-vehicle', 'large-vehicle',
    'ship', 'tennis-court', 'basketball-court', 'storage-tank', 'soccer-ball-field', 'roundabout',
    'harbor', 'swimming-pool', 'helicopter', 'container-crane', 'airport', 'helipad',
)  # fmt: skip

# Categories 1..3 of UAVDT (Du et al., ECCV 2018).
UAVDT_CLASSES = ('car', 'truck', 'bus')

# AI-TOD, versions 1 and 2 (Wang et al., ICPR 2020), in the order of their category ids.
AI_TOD_CLASSES = (
    'airplane', 'bridge', 'storage-tank', 'ship', 'swimming-pool', 'vehicle', 'person', 'wind-mill',
)  # fmt: skip

# TinyPerson (Yu et al., WACV 2020).
TINY_PERSON_CLASSES = ('sea_person', 'earth_person')

# HIT-UAV (Suo et al., Scientific Data 2023); DontCare is no class.
HIT_UAV_CLASSES = ('Person', 'Car', 'Bicycle', 'OtherVehicle')

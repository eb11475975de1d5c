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

# The 175 classes of the EFPN authors' released TT100K model, in the order of its outputs.
TT100K_RELEASED_CLASSES = (
    'pl40', 'p26', 'p27', 'p5', 'ip', 'pl30', 'pn', 'w30', 'p11', 'pl5', 'wo', 'io', 'po', 'i4',
    'pl70', 'pl80', 'pl50', 'ph4', 'pl100', 'il80', 'il70', 'il60', 'pne', 'i2', 'pg', 'p17', 'p12',
    'p22', 'pl60', 'pm30', 'pl120', 'il110', 'il90', 'p10', 'w57', 'w55', 'ph4.5', 'w13', 'pl20',
    'w59', 'i5', 'w63', 'p16', 'w32', 'pb', 'pl110', 'il100', 'ph5', 'p3', 'w58', 'ph2', 'pm55',
    'p19', 'pl25', 'pm20', 'pr40', 'ph3.5', 'p18', 'w3', 'p8', 'ps', 'ph2.8', 'w12', 'pa14', 'p6',
    'p9', 'p23', 'ph3', 'w47', 'il50', 'pr30', 'w37', 'w46', 'pm35', 'pr100', 'i10', 'pl15', 'w34',
    'i13', 'pl10', 'p1', 'i12', 'pm2', 'pl90', 'pm10', 'pr20', 'pm40', 'w16', 'w15', 'i3', 'ph2.5',
    'p15', 'pm8', 'pa12', 'w21', 'pa13', 'pr50', 'p13', 'pa10', 'ph2.2', 'ph4.2', 'pm5', 'i1', 'pr60',
    'w42', 'pw3.2', 'p21', 'p25', 'pr70', 'w22', 'w10', 'p4', 'p14', 'pm13', 'pw4.2', 'pm50', 'w35',
    'pl0', 'p2', 'w45', 'w8', 'w41', 'pl35', 'ph4.3', 'ph3.2', 'p20', 'pa8', 'ph2.1', 'pr80', 'pm15',
    'i11', 'w20', 'i14', 'ph4.8', 'ph1.5', 'ph2.9', 'w18', 'w5', 'w38', 'pr10', 'pw2', 'pw3', 'pw4.5',
    'p28', 'ph5.3', 'pw2.5', 'pw4', 'ph2.4', 'pw3.5', 'w66', 'p24', 'pc', 'pl4', 'pm1.5', 'ph3.3',
    'w43', 'w31', 'ph5.5', 'pm46', 'pm25', 'w24', 'w48', 'w50', 'w26', 'w60', 'ph4.4', 'w49', 'ph2.6',
    'i15', 'p7', 'pn40', 'pl65', 'w1', 'w62', 'w44',
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

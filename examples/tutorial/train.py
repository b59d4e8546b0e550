"""Learns to tell handwritten digits apart, and logs how often it is right. Runs as a job."""

import argparse
import glob
import os

import joblib
import numpy as np
from azureml.core import Run
from sklearn.linear_model import LogisticRegression
from utils import load_data

parser = argparse.ArgumentParser()
parser.add_argument('--data-folder', dest='data_folder', help='where the dataset is mounted')
parser.add_argument('--regularization', dest='reg', type=float, default=0.01, help='1/C of the logistic regression')
args = parser.parse_args()
print('The data lie in', args.data_folder)


def find(name):
    return glob.glob(os.path.join(args.data_folder, '**', name), recursive=True)[0]


images = {part: load_data(find(part + '-images-idx3-ubyte.gz')) / 255.0 for part in ('train', 't10k')}
labels = {part: load_data(find(part + '-labels-idx1-ubyte.gz'), label=True).reshape(-1) for part in ('train', 't10k')}
for part in images:
    print(part, images[part].shape, labels[part].shape)

run = Run.get_context()
model = LogisticRegression(C=1.0 / args.reg, solver='liblinear', multi_class='auto', random_state=42)
model.fit(images['train'], labels['train'])
accuracy = np.average(model.predict(images['t10k']) == labels['t10k'])
print('Accuracy', accuracy)

run.log('regularization rate', np.float(args.reg))
run.log('accuracy', np.float(accuracy))

os.makedirs('outputs', exist_ok=True)
joblib.dump(value=model, filename='outputs/sklearn_mnist_model.pkl')

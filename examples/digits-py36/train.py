"""Trains a logistic regression on scikit-learn's handwritten digits, and logs how good it got."""

import argparse
import os

import joblib
from azureml.core import Run
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument('--regularization', type=float, default=0.01, help='the strength of the regularization, 1/C')
args = parser.parse_args()

run = Run.get_context()
run.log('regularization rate', args.regularization)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
print('training on', len(X_train), 'digits, testing on', len(X_test))

model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / args.regularization, max_iter=1000))
model.fit(X_train, y_train)
accuracy = model.score(X_test, y_test)
run.log('accuracy', accuracy)
print('accuracy', accuracy)

os.makedirs('outputs', exist_ok=True)
joblib.dump(model, os.path.join('outputs', 'digits.joblib'))

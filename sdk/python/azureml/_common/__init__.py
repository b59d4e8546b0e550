"""What every part of azureml shares."""

"""What the columns of a table hold."""

from azureml._werkbank.lazy import make_lazy

__all__ = ["DatasetProfile"]


class DatasetProfile(object):
    """Counts, missing values, extremes and quantiles of each column."""

    def __init__(self, saved_dataset_id, run_id, experiment_name, workspace, profile):
        self.saved_dataset_id = saved_dataset_id
        self.run_id = run_id
        self.experiment_name = experiment_name
        self.workspace = workspace
        self.profile = profile

    @staticmethod
    def _of_frame(dataset, workspace):
        frame = dataset.to_pandas_dataframe()
        columns = {}
        for name in frame.columns:
            values = frame[name]
            facts = {"type": "{}".format(values.dtype), "count": len(values), "missing_count": int(values.isnull().sum())}
            facts["not_missing_count"] = facts["count"] - facts["missing_count"]
            if values.dtype.kind in "iufmM" and facts["not_missing_count"]:
                facts.update(min=values.min(), max=values.max())
            if values.dtype.kind in "iuf" and facts["not_missing_count"]:
                facts.update(mean=float(values.mean()), standard_deviation=float(values.std()))
                shares = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
                facts["quantiles"] = dict((share, float(values.quantile(share))) for share in shares)
            columns[name] = facts
        return DatasetProfile(dataset._document().get("id"), None, None, workspace, {"row_count": len(frame), "columns": columns})

    def get_producing_run(self):
        """None: it was worked out where it was asked for."""
        return None

    def is_stale(self):
        """False: a dataset does not change."""
        return False

    def __repr__(self):
        lines = ["{} rows".format(self.profile["row_count"])]
        for name, facts in self.profile["columns"].items():
            lines.append("{}: {}".format(name, ", ".join("{} {}".format(key, facts[key]) for key in facts)))
        return "\n".join(lines)


make_lazy(__name__, {"AzureMLException": "azureml.exceptions"})

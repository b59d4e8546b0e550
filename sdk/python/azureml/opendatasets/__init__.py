"""azureml.opendatasets: public data by name. They come from their public addresses, or from a mirror of the site (`werkbank
mirror add NAME FOLDER-OR-URL`). Nothing is told to anybody."""

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.version import VERSION

__version__ = VERSION

__all__ = [
    "BingCOVID19Data",
    "BostonSafety",
    "COVID19OpenResearch",
    "COVIDTrackingProject",
    "ChicagoSafety",
    "CitySafety",
    "Diabetes",
    "EcdcCOVIDCases",
    "MNIST",
    "NoParameterOpenDatasetBase",
    "NoaaGfsWeather",
    "NoaaIsdWeather",
    "NycSafety",
    "NycTaxiBase",
    "NycTlcFhv",
    "NycTlcGreen",
    "NycTlcYellow",
    "OjSalesSimulated",
    "PublicHolidays",
    "PublicHolidaysOffline",
    "SampleDatasetBase",
    "SanFranciscoSafety",
    "SeattleSafety",
    "UsLaborCPI",
    "UsLaborEHENational",
    "UsLaborEHEState",
    "UsLaborLAUS",
    "UsLaborLFS",
    "UsLaborPPICommodity",
    "UsLaborPPIIndustry",
    "UsPopulationCounty",
    "UsPopulationZip",
]

make_lazy(
    __name__,
    dict(((name, "azureml.opendatasets._catalog") for name in __all__ if name != "MNIST"), MNIST="azureml.opendatasets._mnist"),
)

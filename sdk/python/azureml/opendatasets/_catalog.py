"""The open datasets of v1 by name, and where they lie."""

import datetime

from azureml.opendatasets._store import CSV, PARQUET, file_dataset, sources_below, table_dataset
from azureml.opendatasets.accessories.open_dataset_base import ClassMethodOpenDatasetBase, OpenDatasetBase


class NoParameterOpenDatasetBase(OpenDatasetBase):
    """Data that are taken as a whole."""

    def __init__(self, enable_telemetry=True):
        OpenDatasetBase.__init__(self, enable_telemetry=enable_telemetry)


class SampleDatasetBase(ClassMethodOpenDatasetBase):
    """Small data for examples."""

    _name = _account = _container = _prefix = ""

    @classmethod
    def get_file_dataset(cls, enable_telemetry=True):
        """The files."""
        return file_dataset(_all(cls, ".parquet"))

    @classmethod
    def get_tabular_dataset(cls, enable_telemetry=True):
        """The table."""
        return table_dataset(_all(cls, ".parquet"), PARQUET)


def _all(cls, ends):
    return sources_below(cls._name, cls._account, cls._container, cls._prefix, ends, lambda path: True)


class Diabetes(SampleDatasetBase):
    """442 patients, ten measurements each, and how their illness went on."""

    _name, _account, _container, _prefix = "diabetes", "azureopendatastorage", "mlsamples", "diabetes"


class OjSalesSimulated(ClassMethodOpenDatasetBase):
    """Sales of orange juice, simulated: a CSV file for each store and brand."""

    _name, _account, _container, _prefix = (
        "ojsalessimulated",
        "azureopendatastorage",
        "ojsales-simulatedcontainer",
        "oj_sales_data",
    )

    @classmethod
    def get_file_dataset(cls, enable_telemetry=True):
        """The files."""
        return file_dataset(_all(cls, ".csv"))

    @classmethod
    def _get_table(cls):
        return table_dataset(_all(cls, ".csv"), CSV)


class COVID19OpenResearch(ClassMethodOpenDatasetBase):
    """Scholarly articles on COVID-19."""

    _name, _account, _container, _prefix = "covid19openresearch", "azureopendatastorage", "covid19temp", ""

    @classmethod
    def get_file_dataset(cls, enable_telemetry=True):
        """The files."""
        return file_dataset(_all(cls, ".json"))


class NycTaxiBase(OpenDatasetBase):
    """Taxi rides in New York City."""

    _container = "nyctlc"
    _year, _month = "puYear", "puMonth"
    default_start_date = datetime.datetime(2015, 1, 1)
    default_end_date = datetime.datetime(2015, 1, 2)

    def __init__(
        self,
        start_date=default_start_date,
        end_date=default_end_date,
        cols=None,
        limit=-1,
        enable_telemetry=True,
    ):
        OpenDatasetBase.__init__(
            self, cols=cols, enable_telemetry=enable_telemetry, start_date=start_date, end_date=end_date, limit=limit
        )


class NycTlcGreen(NycTaxiBase):
    """Green taxis."""

    _name, _prefix, _time = "nyctlcgreen", "green", "lpepPickupDatetime"


class NycTlcYellow(NycTaxiBase):
    """Yellow taxis."""

    _name, _prefix, _time = "nyctlcyellow", "yellow", "tpepPickupDateTime"


class NycTlcFhv(NycTaxiBase):
    """Vehicles for hire."""

    _name, _prefix, _time = "nyctlcfhv", "fhv", "pickupDateTime"


class CitySafety(OpenDatasetBase):
    """Calls to a city's services."""

    _container = "citydatacontainer"
    _time = "dateTime"
    default_start_date = datetime.datetime(2000, 1, 1)
    default_end_date = datetime.datetime(2025, 12, 31)

    def __init__(self, start_date=default_start_date, end_date=default_end_date, cols=None, enable_telemetry=True):
        OpenDatasetBase.__init__(self, cols=cols, enable_telemetry=enable_telemetry, start_date=start_date, end_date=end_date)


class BostonSafety(CitySafety):
    """Boston."""

    _name, _prefix = "bostonsafety", "Safety/Release/city=Boston"


class ChicagoSafety(CitySafety):
    """Chicago."""

    _name, _prefix = "chicagosafety", "Safety/Release/city=Chicago"


class NycSafety(CitySafety):
    """New York City."""

    _name, _prefix = "nycsafety", "Safety/Release/city=NewYorkCity"


class SanFranciscoSafety(CitySafety):
    """San Francisco."""

    _name, _prefix = "sanfranciscosafety", "Safety/Release/city=SanFrancisco"


class SeattleSafety(CitySafety):
    """Seattle."""

    _name, _prefix = "seattlesafety", "Safety/Release/city=Seattle"


class NoaaIsdWeather(OpenDatasetBase):
    """Weather at stations, hour by hour."""

    _name, _container, _prefix, _time = "noaaisdweather", "isdweatherdatacontainer", "ISDWeather/", "datetime"
    _year, _month = "year", "month"
    default_start_date = datetime.datetime(2018, 1, 1)
    default_end_date = datetime.datetime(2018, 1, 31)
    id_column_name = "ID"
    latitude_column_name = "latitude"
    longitude_column_name = "longitude"
    usaf_column_name = "usaf"
    wban_column_name = "wban"

    def __init__(self, start_date=default_start_date, end_date=default_end_date, cols=None, enable_telemetry=True):
        OpenDatasetBase.__init__(self, cols=cols, enable_telemetry=enable_telemetry, start_date=start_date, end_date=end_date)


class NoaaGfsWeather(OpenDatasetBase):
    """Weather forecasts."""

    _name, _container, _prefix, _time = "noaagfsweather", "gfsweatherdatacontainer", "GFSWeather/GFSProcessed", "currentDatetime"
    _year, _month = "year", "month"
    default_start_date = datetime.datetime(2018, 1, 1)
    default_end_date = datetime.datetime(2018, 1, 31)
    id_column_name = "ID"
    latitude_column_name = "latitude"
    longitude_column_name = "longitude"

    def __init__(self, start_date=default_start_date, end_date=default_start_date, cols=None, limit=-1, enable_telemetry=True):
        OpenDatasetBase.__init__(
            self, cols=cols, enable_telemetry=enable_telemetry, start_date=start_date, end_date=end_date, limit=limit
        )


class PublicHolidays(OpenDatasetBase):
    """Public holidays of 38 countries and regions."""

    _name, _container, _prefix, _time = "publicholidays", "holidaydatacontainer", "Processed", "date"
    default_start_date = datetime.datetime(2008, 1, 1)
    default_end_date = datetime.datetime(2025, 12, 31)
    country_or_region_column_name = "countryOrRegion"
    countrycode_column_name = "countryRegionCode"

    def __init__(
        self,
        country_or_region='',
        start_date=default_start_date,
        end_date=default_end_date,
        cols=None,
        enable_telemetry=True,
    ):
        OpenDatasetBase.__init__(self, cols=cols, enable_telemetry=enable_telemetry, start_date=start_date, end_date=end_date)
        self.country_or_region = country_or_region

    def to_pandas_dataframe(self):
        """The table as a pandas DataFrame."""
        made = self._table(self.start_date, self.end_date, None)
        if self.country_or_region:
            code, name = made[self.countrycode_column_name], made[self.country_or_region_column_name]
            made = made.filter((code == self.country_or_region) | (name == self.country_or_region))
        if self.cols:
            made = made.keep_columns(self.cols)
        return made.to_pandas_dataframe()


class PublicHolidaysOffline(PublicHolidays):
    """The same: what v1 brought along is fetched here, or comes from a mirror."""

    default_country_or_region = "US"
    default_start_date = PublicHolidays.default_start_date
    default_end_date = PublicHolidays.default_end_date

    def __init__(
        self,
        country_or_region=default_country_or_region,
        start_date=default_start_date,
        end_date=default_end_date,
        cols=None,
        enable_telemetry=True,
    ):
        PublicHolidays.__init__(self, country_or_region, start_date, end_date, cols, enable_telemetry)

    def is_holiday(self, target_date, country_code='US'):
        """Whether a day is a holiday in the country of this code."""
        return target_date.date() in self._days(self.countrycode_column_name, country_code)

    def is_holiday_by_country_or_region(self, target_date, country_or_region='United States'):
        """Whether a day is a holiday in the country or region of this name."""
        return target_date.date() in self._days(self.country_or_region_column_name, country_or_region)

    def _days(self, column, value):
        made = self._table(None, None, None)
        return set(day.date() for day in made.filter(made[column] == value).to_pandas_dataframe()[self._time])


class BingCOVID19Data(OpenDatasetBase):
    """COVID-19 cases, as Bing collected them."""

    _name, _account, _container = "bingcovid19data", "pandemicdatalake", "public"
    _prefix, _time = "curated/covid-19/bing_covid-19_data/latest", "updated"

    def __init__(self, cols=None, enable_telemetry=True):
        OpenDatasetBase.__init__(self, cols=cols, enable_telemetry=enable_telemetry)


class COVIDTrackingProject(OpenDatasetBase):
    """COVID-19 cases of the states of the USA."""

    _name, _account, _container = "covidtrackingproject", "pandemicdatalake", "public"
    _prefix, _time = "curated/covid-19/covid_tracking/latest", "date"

    def __init__(self, cols=None, enable_telemetry=True):
        OpenDatasetBase.__init__(self, cols=cols, enable_telemetry=enable_telemetry)


class EcdcCOVIDCases(OpenDatasetBase):
    """COVID-19 cases of all countries."""

    _name, _account, _container = "ecdccovidcases", "pandemicdatalake", "public"
    _prefix, _time = "curated/covid-19/ecdc_cases/latest", "date_rep"

    def __init__(self, cols=None, enable_telemetry=True):
        OpenDatasetBase.__init__(self, cols=cols, enable_telemetry=enable_telemetry)


def _labor(name, prefix, description):
    facts = {"__module__": __name__, "__doc__": description, "_name": name.lower(), "_prefix": prefix}
    facts["_container"] = "laborstatisticscontainer"
    return type(name, (NoParameterOpenDatasetBase,), facts)


UsLaborCPI = _labor("UsLaborCPI", "cpi/", "Consumer prices of the USA.")
UsLaborEHENational = _labor("UsLaborEHENational", "ehe_national/", "Employment, hours and earnings in the USA.")
UsLaborEHEState = _labor("UsLaborEHEState", "ehe_state/", "Employment, hours and earnings in the states of the USA.")
UsLaborLAUS = _labor("UsLaborLAUS", "laus/", "Unemployment by area of the USA.")
UsLaborLFS = _labor("UsLaborLFS", "lfs/", "The labor force of the USA.")
UsLaborPPICommodity = _labor("UsLaborPPICommodity", "ppi_commodity/", "Producer prices of commodities.")
UsLaborPPIIndustry = _labor("UsLaborPPIIndustry", "ppi_industry/", "Producer prices of industries.")


class UsPopulationCounty(NoParameterOpenDatasetBase):
    """Population of the counties of the USA."""

    _name, _container, _prefix = "uspopulationcounty", "censusdatacontainer", "release/us_population_county/"


class UsPopulationZip(NoParameterOpenDatasetBase):
    """Population by postal code of the USA."""

    _name, _container, _prefix = "uspopulationzip", "censusdatacontainer", "release/us_population_zip/"

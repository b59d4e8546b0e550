"""The TensorFlow estimator."""

from azureml.train._frameworks import TENSORFLOW
from azureml.train.estimator._framework_base_estimator import _FrameworkBaseEstimator


class TensorFlow(_FrameworkBaseEstimator):
    """A script that trains with TensorFlow."""

    FRAMEWORK_NAME = "TensorFlow"
    DEFAULT_VERSION = "1.13"
    _framework = TENSORFLOW

    def __init__(
        self,
        source_directory,
        *,
        compute_target=None,
        vm_size=None,
        vm_priority=None,
        entry_script=None,
        script_params=None,
        node_count=1,
        process_count_per_node=1,
        worker_count=1,
        parameter_server_count=1,
        distributed_backend=None,
        distributed_training=None,
        use_gpu=False,
        use_docker=True,
        custom_docker_base_image=None,
        custom_docker_image=None,
        image_registry_details=None,
        user_managed=False,
        conda_packages=None,
        pip_packages=None,
        conda_dependencies_file_path=None,
        pip_requirements_file_path=None,
        conda_dependencies_file=None,
        pip_requirements_file=None,
        environment_variables=None,
        environment_definition=None,
        inputs=None,
        source_directory_data_store=None,
        shm_size=None,
        resume_from=None,
        max_run_duration_seconds=None,
        framework_version=None,
        _enable_optimized_mode=False,
        _disable_validation=True,
        _show_lint_warnings=False,
        _show_package_warnings=False
    ):
        self._set_up(source_directory, dict(locals()))

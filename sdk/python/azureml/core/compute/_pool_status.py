"""The state of a pool, as v1 shows it."""

__all__ = ["AmlComputeNodeStateCounts", "AmlComputeStatus", "ScaleSettings", "status_of"]


class ScaleSettings(object):
    """How many nodes there may be."""

    def __init__(self, minimum_node_count, maximum_node_count, idle_seconds_before_scaledown):
        self.minimum_node_count = minimum_node_count
        self.maximum_node_count = maximum_node_count
        self.idle_seconds_before_scaledown = idle_seconds_before_scaledown

    def serialize(self):
        """As plain data."""
        seconds = self.idle_seconds_before_scaledown
        return {
            "minNodeCount": self.minimum_node_count,
            "maxNodeCount": self.maximum_node_count,
            "nodeIdleTimeBeforeScaleDown": None if seconds is None else "PT{}S".format(seconds),
        }

    @staticmethod
    def deserialize(object_dict):
        """Out of what serialize() has answered."""
        if object_dict is None:
            return None
        seconds = object_dict.get("nodeIdleTimeBeforeScaleDown")
        if isinstance(seconds, str):
            seconds = int(seconds.replace("PT", "").replace("S", ""))
        return ScaleSettings(object_dict["minNodeCount"], object_dict["maxNodeCount"], seconds)


class AmlComputeNodeStateCounts(object):
    """How many nodes are in which state."""

    _fields = (
        ("preparing_node_count", "preparingNodeCount"),
        ("running_node_count", "runningNodeCount"),
        ("idle_node_count", "idleNodeCount"),
        ("unusable_node_count", "unusableNodeCount"),
        ("leaving_node_count", "leavingNodeCount"),
        ("preempted_node_count", "preemptedNodeCount"),
    )

    def __init__(
        self,
        idle_node_count,
        leaving_node_count,
        preempted_node_count,
        preparing_node_count,
        running_node_count,
        unusable_node_count,
    ):
        self.idle_node_count = idle_node_count
        self.leaving_node_count = leaving_node_count
        self.preempted_node_count = preempted_node_count
        self.preparing_node_count = preparing_node_count
        self.running_node_count = running_node_count
        self.unusable_node_count = unusable_node_count

    def serialize(self):
        """As plain data."""
        return {wire: getattr(self, name) for name, wire in self._fields}

    @staticmethod
    def deserialize(object_dict):
        """Out of what serialize() has answered."""
        if object_dict is None:
            return None
        return AmlComputeNodeStateCounts(**{name: object_dict.get(wire, 0) for name, wire in AmlComputeNodeStateCounts._fields})


class AmlComputeStatus(object):
    """The state of a pool."""

    def __init__(
        self,
        allocation_state,
        allocation_state_transition_time,
        creation_time,
        current_node_count,
        errors,
        modified_time,
        node_state_counts,
        provisioning_state,
        provisioning_state_transition_time,
        scale_settings,
        target_node_count,
        vm_priority,
        vm_size,
    ):
        self.allocation_state = allocation_state
        self.allocation_state_transition_time = allocation_state_transition_time
        self.creation_time = creation_time
        self.current_node_count = current_node_count
        self.errors = errors
        self.modified_time = modified_time
        self.node_state_counts = node_state_counts
        self.provisioning_state = provisioning_state
        self.provisioning_state_transition_time = provisioning_state_transition_time
        self.scale_settings = scale_settings
        self.target_node_count = target_node_count
        self.vm_priority = vm_priority
        self.vm_size = vm_size

    def serialize(self):
        """As plain data, in v1's words."""
        return {
            "currentNodeCount": self.current_node_count,
            "targetNodeCount": self.target_node_count,
            "nodeStateCounts": self.node_state_counts.serialize() if self.node_state_counts else None,
            "allocationState": self.allocation_state,
            "allocationStateTransitionTime": self.allocation_state_transition_time,
            "errors": self.errors,
            "creationTime": self.creation_time,
            "modifiedTime": self.modified_time,
            "provisioningState": self.provisioning_state,
            "provisioningStateTransitionTime": self.provisioning_state_transition_time,
            "scaleSettings": self.scale_settings.serialize() if self.scale_settings else None,
            "vmPriority": self.vm_priority,
            "vmSize": self.vm_size,
        }

    @staticmethod
    def deserialize(object_dict):
        """Out of what serialize() has answered."""
        if object_dict is None:
            return None
        return AmlComputeStatus(
            object_dict.get("allocationState"),
            object_dict.get("allocationStateTransitionTime"),
            object_dict.get("creationTime"),
            object_dict.get("currentNodeCount"),
            object_dict.get("errors"),
            object_dict.get("modifiedTime"),
            AmlComputeNodeStateCounts.deserialize(object_dict.get("nodeStateCounts")),
            object_dict.get("provisioningState"),
            object_dict.get("provisioningStateTransitionTime"),
            ScaleSettings.deserialize(object_dict.get("scaleSettings")),
            object_dict.get("targetNodeCount"),
            object_dict.get("vmPriority"),
            object_dict.get("vmSize"),
        )


def status_of(document):
    """The status in a pool's document; None for one that has none."""
    status, settings = document.get("status"), document.get("settings") or {}
    if not status:
        return None
    return AmlComputeStatus(
        status["allocationState"],
        status["allocationStateTransitionTime"],
        document.get("createdUtc"),
        status["currentNodeCount"],
        status.get("errors") or None,
        document.get("modifiedUtc"),
        AmlComputeNodeStateCounts.deserialize(status["nodeStateCounts"]),
        document.get("state"),
        None,
        ScaleSettings(settings.get("minNodes"), settings.get("maxNodes"), settings.get("idleSecondsBeforeScaledown")),
        status["targetNodeCount"],
        settings.get("vmPriority"),
        settings.get("vmSize"),
    )

// Quotas: kept with the installation's small facts, checked when a run is submitted and again when it is to start.
#pragma once

#include "domain/quota.hh"
#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

// Of a workspace; none where nothing is set.
Result<Quotas> quotas_of(store::Reader& reader, const std::string& workspace);
Status put_quotas(store::Transaction& transaction, const std::string& workspace, const Quotas& quotas);

// What a run takes while it holds its room: one run, and the nodes of a target that has such.
QuotaAmounts needs_of(const Services& services, const std::string& workspace, const RunSpec& spec);

// MiB that the files of a workspace's runs take, by user. Walks all of them.
Result<std::map<std::string, int64_t>> disk_use(store::Reader& reader, const std::string& workspace);

// quota_exceeded where the run could never start, or where its user or workspace has filled its disk space.
Status check_quota(Services& services, const std::string& workspace, const std::string& user, const RunSpec& spec);

}  // namespace werkbank::lifecycle

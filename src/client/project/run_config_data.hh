// The sections `data`, `dataReferences` and `outputData` of a run configuration as inputs and outputs of a run.
#pragma once

#include <string>
#include <vector>

#include "client/project/yaml.hh"
#include "domain/data_port.hh"

namespace werkbank::client {

// Each adds to what is there; `at` is the section's value, `name` the file's. config_invalid with file and line; not_supported
// for a web address in place of a dataset. A dataset that is named without an id becomes "NAME" or "NAME:VERSION", which the
// server knows.
Status read_data_inputs(const YamlNode& at, const std::string& name, std::vector<RunInput>& inputs);
Status read_data_references(const YamlNode& at, const std::string& name, std::vector<RunInput>& inputs,
                            std::vector<RunOutput>& outputs);
Status read_data_outputs(const YamlNode& at, const std::string& name, std::vector<RunOutput>& outputs);

}  // namespace werkbank::client

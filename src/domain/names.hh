// Which names the v1 faces allow (v1_behaviour 1) and which the store allows.
#pragma once

#include <string_view>

#include "base/result.hh"

namespace werkbank {

Status check_workspace_name(std::string_view name);    // ^[a-zA-Z0-9][\w\-]{2,32}$
Status check_experiment_name(std::string_view name);   // first alphanumeric, then word characters or '-', 1 to 255
Status check_target_name(std::string_view name);       // letter first, then letters, digits, '-', '_'; 2 to 64
Status check_environment_name(std::string_view name);  // 1 to 255, word characters . - _ (and blanks)
Status check_model_name(std::string_view name);        // first alphanumeric, then letters, digits, - . _; 1 to 255
// The store's own rule for ids and names: 1 to 255 bytes of valid UTF-8 without '/', control characters, or being "." or "..".
Status check_stored_name(std::string_view what, std::string_view name);

}  // namespace werkbank

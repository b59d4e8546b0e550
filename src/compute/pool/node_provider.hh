// Where the nodes of a pool come from. This machine hands out slices of itself; an engine that hands out machines is another
// implementation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/pool/vm_sizes.hh"
#include "domain/machine_slice.hh"

namespace werkbank::compute {

// Who has nodes. The provider asks for what is spare, and low-priority holders to give way to dedicated ones. All three are
// called with the provider's lock held: they only leave a note, and a thread of the holder's own acts on it.
class NodeHolder {
 public:
  virtual ~NodeHolder() = default;
  virtual bool is_low_priority() const = 0;
  // Gives up nodes for so much: spare ones at once; with `also_busy` the others too, as soon as their runs have gone.
  virtual void give_way(const VmSize& wanted, bool also_busy) = 0;
  // Somebody has given something back.
  virtual void room_changed() = 0;
};

// Thread-safe.
class NodeProvider {
 public:
  virtual ~NodeProvider() = default;
  virtual std::string name() const = 0;           // "this machine"
  virtual std::vector<VmSize> sizes() const = 0;  // that it can hand out, the familiar ones that fit included
  // vm_size_unknown; never_fits, naming the limit, where it never has so much.
  virtual Result<VmSize> find_size(std::string_view name) const = 0;
  virtual int64_t nodes_max(const VmSize& size) const = 0;  // when nobody else has any
  // How many nodes the holder could take now, or as soon as others have given way.
  virtual int64_t room(const NodeHolder& holder, const VmSize& size) = 0;
  // So many nodes or none: who waits for several holds none of them meanwhile. Nothing where there is no room for all now; others
  // have then been asked to give way: the spare nodes of all, the busy ones of low-priority holders to a dedicated one.
  virtual std::optional<std::vector<MachineSlice>> take(NodeHolder& holder, const VmSize& size, int64_t count) = 0;
  // The holder does not wait for what take() did not give it: until then low-priority holders do not get it either.
  virtual void want_no_more(NodeHolder& holder) = 0;
  // Takes a certain slice: one that was held before the server came back. False where it is not free.
  virtual bool take_again(NodeHolder& holder, const MachineSlice& slice) = 0;
  virtual void give_back(NodeHolder& holder, const MachineSlice& slice) = 0;
  // So many of its nodes are idle, and more than it has to keep: others may have them at once.
  virtual void note_spare(NodeHolder& holder, int64_t nodes) = 0;
  virtual void forget(NodeHolder& holder) = 0;  // gives back all it has; it is not called any more
};

}  // namespace werkbank::compute

#pragma once

#include <optional>

#include "mesh/core/duty/duties.hpp"
#include "mesh/core/node/mesh_context.hpp"

namespace tulle::mesh {

/// Connects Duties to the sessions, and to the shard that does this node's duties.
///
/// Thread: confined to the hub.
/// Limits: the limits of Duties.
class DutyService {
public:
    explicit DutyService(MeshContext& context)
        : context_(context), duties_(context.options().oid, context.timing(), context.limits()) {}

    /// Names the shard for this node's duties. To be called before the first turn. REQUIRED on every node: any peer's
    /// report may make this node responsible for an item.
    void set_shard(ShardIndex shard) { shard_ = shard; }
    [[nodiscard]] std::optional<ShardIndex> shard() const { return shard_; }
    [[nodiscard]] Duties& duties() { return duties_; }
    [[nodiscard]] const Duties& duties() const { return duties_; }

    /// Takes in a shard's count of an item.
    void on(ShardIndex shard, const DutyCount& count) { duties_.count(shard, count); }
    /// Takes in a task of a shard. A refused task is counted; the shard is not told.
    void on(const DutyTask& task) { static_cast<void>(duties_.task(task)); }
    /// Takes in the shard's answer to a DutyChanged, DutyRevoked or DutyPerform.
    void on(Instant now, const DutyDone& done) { duties_.done(now, done); }
    void on(Instant now, OriginId from, const DutyMail& mail) { duties_.on_mail(now, from, mail); }
    /// Takes in a heartbeat's words about duties. True: the peer leaves, and this node learns so only now. The caller
    /// answers without delay, because the peer waits for the confirmation.
    [[nodiscard]] bool on(Instant now, OriginId from, const Heartbeat& heartbeat);
    /// Puts this service's part into a heartbeat to `to`.
    void write(Instant now, OriginId to, Heartbeat& heartbeat) const;
    /// Ends a turn: sends due mails to peers, and changes, revocations and tasks to the shard.
    void tick(Instant now, Effects& out);

private:
    MeshContext& context_;
    Duties duties_;
    std::optional<ShardIndex> shard_;
};

}  // namespace tulle::mesh

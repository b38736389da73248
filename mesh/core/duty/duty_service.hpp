#pragma once

#include <optional>

#include "mesh/core/duty/duties.hpp"
#include "mesh/core/node/mesh_context.hpp"

namespace tulle::mesh {

/// Joins the machine of duties (Duties) to the sessions, and to the shard that does this node's duties.
/// Thread: confined to the hub. Limits: as of Duties.
class DutyService {
public:
    explicit DutyService(MeshContext& context)
        : context_(context), duties_(context.options().oid, context.timing(), context.limits()) {}

    /// The shard that does this node's duties. Before the first turn.
    void set_shard(ShardIndex shard) { shard_ = shard; }
    [[nodiscard]] std::optional<ShardIndex> shard() const { return shard_; }
    [[nodiscard]] Duties& duties() { return duties_; }
    [[nodiscard]] const Duties& duties() const { return duties_; }

    void on(ShardIndex shard, const DutyCount& count) { duties_.count(shard, count); }
    void on(const DutyTask& task) { static_cast<void>(duties_.task(task)); }  // a refusal is counted
    void on(Instant now, const DutyDone& done) { duties_.done(now, done); }
    void on(Instant now, OriginId from, const DutyMail& mail) { duties_.on_mail(now, from, mail); }
    /// True: the peer leaves, which was not known; it waits to hear that this node knows.
    [[nodiscard]] bool on(Instant now, OriginId from, const Heartbeat& heartbeat);
    /// Puts this service's part into a heartbeat to `to`.
    void write(Instant now, OriginId to, Heartbeat& heartbeat) const;
    /// Says what there is to say, in a turn's end.
    void tick(Instant now, Effects& out);

private:
    MeshContext& context_;
    Duties duties_;
    std::optional<ShardIndex> shard_;
};

}  // namespace tulle::mesh

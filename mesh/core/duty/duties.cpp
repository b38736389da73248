#include "mesh/core/duty/duties.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

// How a duty moves without being done twice.
//
// Each node has a view: the digest of the members with a share in the duties, as the node sees them. After a change of
// members each node reports moved items to their new desks, and then claims in its heartbeats: "I have handed over in
// this view". A desk acts only when every member claims the desk's own view. The words of a former desk are therefore
// known before the next desk speaks. A member without a claim costs `duty_patience`; after the patience something may
// be told twice.
namespace tulle::mesh {

// Repetitions happen within the grace, and a shard's last words within the patience.
static_assert(Timing{}.duty_retry < Timing{}.duty_grace && Timing{}.duty_finish < Timing{}.duty_patience);
// The largest item fits into a mail.
static_assert(Limits{}.duty_slice > 0 && Limits{}.duty_items > 0, "work() must come to its end");
static_assert(kMaxDutyItemBytes + kMaxChannelBytes < Limits{}.duty_mail_bytes);

Duties::Duties(OriginId self, const Timing& timing, const Limits& limits)
    : self_(self),
      timing_(timing),
      limits_(limits),
      source_(limits),
      outbox_(limits),
      desk_(timing, limits),
      inbox_(timing) {
    inbox_.add({self_, kOwnTie});
    members_changed({});
    unsettled_since_.reset();
}

bool Duties::nobody_stays() const {
    return retiring_ && std::all_of(lines_.begin(), lines_.end(), [](const auto& line) { return line.second.leaving; });
}

DutyMembers Duties::sharing() const {
    const bool nobody = nobody_stays();
    DutyMembers members;
    DutyMember greatest{self_, kOwnTie};
    for (const auto& [oid, line] : lines_) {
        const DutyMember member{oid, line.tie};
        greatest = greatest.oid < oid ? member : greatest;
        // While this node leaves, other leavers take nothing over.
        if (!nobody && !(leaving_ && line.leaving)) {
            members.add(member);
        }
    }
    // All nodes leave: each node names the same node, so a single node does all duties to the end.
    if (nobody) {
        members.add(greatest);
    } else if (!leaving_) {
        members.add({self_, kOwnTie});
    }
    return members;
}

void Duties::share_anew(Instant now) {
    if (nobody_stays() || sharing() != members_) {
        members_changed(now);
    }
}

void Duties::members_changed(Instant now) {
    changed_ = true;
    members_ = sharing();
    // No client is left in the mesh to be counted, and no grace helps anybody.
    if (nobody_stays()) {
        source_.clear_counts();
        desk_.hurry();
    }
    std::set<DutyTie> leaving;
    for (const auto& [oid, line] : lines_) {
        if (line.leaving && !members_.contains(line.tie)) {
            // A leaver hands over the words under way, so nothing is in doubt.
            source_.excuse(line.tie);
            leaving.insert(line.tie);
        }
    }
    view_ = members_.digest();
    ++view_no_;
    changed_at_ = now;
    if (!unsettled_since_) {
        unsettled_since_ = now;
    }
    source_.set_members(members_);
    outbox_.set_members(members_);
    desk_.set_members(members_, std::move(leaving));
}

void Duties::count(ShardIndex shard, const DutyCount& word) {
    if (nobody_stays()) {
        // The shards have no clients any more; late words would bring counts back.
        return;
    }
    const bool good = word.count <= kMaxNumber && !word.key.empty() && word.key.size() <= kMaxChannelBytes &&
                      word.item.size() <= kMaxDutyItemBytes && (!word.info || word.info->size() <= kMaxUserInfoBytes);
    if (good) {
        changed_ = true;
        source_.count(shard, word);
    } else {
        ++tally_.counts_refused;
    }
}

bool Duties::task(const DutyTask& task) {
    const bool good =
        !task.key.empty() && task.key.size() <= kMaxChannelBytes && task.body && task.body->size() <= kMaxBodyBytes;
    const bool taken = good && outbox_.add(task);
    changed_ = changed_ || taken;
    if (!taken) {
        ++tally_.tasks_refused;
    }
    return taken;
}

void Duties::done(Instant now, const DutyDone& done) {
    changed_ = true;
    // Even tokens are the desk's, odd tokens the inbox's.
    if (!desk_.on_done(now, done)) {
        static_cast<void>(inbox_.on_done(done.token));
    }
}

void Duties::member_up(Instant now, OriginId oid, bool serves) {
    const DutyMember member{oid, DutyTie{++last_tie_}};
    lines_[oid] = Line{.tie = member.tie};
    inbox_.add(member);
    if (serves) {
        source_.meet_stranger(member.tie);
        desk_.reunite();
    }
    members_changed(now);
}

void Duties::member_down(Instant now, OriginId oid, DutyEnd end) {
    const auto found = lines_.find(oid);
    TULLE_ASSERT(found != lines_.end());
    const DutyMember member{oid, found->second.tie};
    lines_.erase(found);
    inbox_.lose(now, member);
    desk_.lose(now, member.tie, end);
    if (end == DutyEnd::kLeft) {
        source_.excuse(member.tie);
    } else if (end == DutyEnd::kDeaf) {
        source_.mistrust(member.tie);
    }
    members_changed(now);
}

void Duties::retire(Instant now) {
    retiring_ = true;
    share_anew(now);
}

void Duties::leave(Instant now) {
    retiring_ = true;
    leaving_ = true;
    share_anew(now);
}

bool Duties::on_leaving(Instant now, OriginId from, bool last) {
    Line& line = lines_.at(from);
    line.last = last;
    if (std::exchange(line.leaving, true)) {
        return false;
    }
    if (retiring_ && !parted_) {
        share_anew(now);
    }
    return true;
}

void Duties::take_in(Instant now, const DutyMember& from, const DutyMail& mail) {
    for (const DutyReport& report : mail.reports) {
        desk_.on_report(now, from, report);
    }
    for (const DutyOrder& order : mail.orders) {
        inbox_.on_order(from, order, performs_);
    }
    for (const DutySettle& settle : mail.settles) {
        source_.on_settle(from.tie, settle);
    }
    outbox_.on_done(mail.done);
}

void Duties::on_mail(Instant now, OriginId from, const DutyMail& mail) {
    changed_ = true;
    Line& line = lines_.at(from);
    note_view(line, mail.view_no);
    // The member has taken the outstanding mail in.
    if (line.outstanding && mail.ack >= line.outstanding->seq) {
        inbox_.on_known(from, line.outstanding->done);
        desk_.on_known(line.tie, line.outstanding->settles);
        line.outstanding.reset();
        note_handed_over(line);
    }
    // Sequence number 0 is a mere acknowledgement. After this node's goodbye everything taken in would go with this
    // node.
    if (mail.seq == 0 || parted_) {
        return;
    }
    // Also for a repetition, since a repetition shows that the acknowledgement was lost.
    line.ack_due = true;
    if (mail.seq == line.taken + 1) {
        line.taken = mail.seq;
        take_in(now, {from, line.tie}, mail);
    }
}

void Duties::on_claim(OriginId from, std::uint64_t view, std::uint64_t view_no) {
    Line& line = lines_.at(from);
    const std::pair before{line.view_no, line.claimed};
    note_view(line, view_no);
    // An overtaken heartbeat names an older view and claims nothing.
    if (view_no == line.view_no) {
        line.claimed = view;
    }
    changed_ = changed_ || before != std::pair{line.view_no, line.claimed};
}

void Duties::note_view(Line& line, std::uint64_t view_no) {
    if (view_no > line.view_no) {
        line.view_no = view_no;
        line.claimed = 0;
    }
}

std::uint64_t Duties::claim(Instant now, OriginId to) const {
    const bool finishing = desk_.finishing() > 0 && now - changed_at_ < timing_.duty_finish;
    // A change under way at the shard holds the claims back, but for no longer than `duty_finish`.
    return finishing || lines_.at(to).handed_over != view_no_ || desk_.working() ? 0 : view_;
}

void Duties::note_handed_over(Line& line) const {
    if (!line.outstanding && source_.handed_over(line.tie) && !desk_.working()) {
        line.handed_over = view_no_;
    }
}

bool Duties::owes(OriginId oid, DutyTie tie) const {
    return source_.owes(tie) || outbox_.owes(tie) || desk_.owes(tie) || inbox_.owes(oid);
}

void Duties::hand_on(Instant now) {
    const std::vector<DutyDesk::HandedOn> handed_on = desk_.take_handed_on();
    for (const DutyDesk::HandedOn& what : handed_on) {
        source_.adopt(what.item, {what.told, what.told_version, what.doubt, what.info, what.holder_lost});
    }
    if (!handed_on.empty() && now - changed_at_ < timing_.duty_finish) {
        for (auto& [oid, line] : lines_) {
            line.handed_over = 0;
        }
    }
}

void Duties::hear_self(Instant now) {
    DutyMail mail;
    source_.compose(kOwnTie, mail);
    outbox_.compose(kOwnTie, mail);
    take_in(now, {self_, kOwnTie}, mail);
}

void Duties::answer_self(Instant now) {
    const DutyMember self{self_, kOwnTie};
    DutyMail mail;
    desk_.compose(kOwnTie, mail);
    inbox_.compose(self, limits_, mail);
    take_in(now, self, mail);
    inbox_.on_known(self_, mail.done);
    desk_.on_known(kOwnTie, mail.settles);
}

bool Duties::settled() const {
    return source_.handed_over(kOwnTie) && !desk_.working() &&
           std::all_of(lines_.begin(), lines_.end(), [&](const auto& line) { return line.second.claimed == view_; });
}

void Duties::act(Instant now, Out& out) {
    if (!begun_ || parted_) {
        return;
    }
    const bool all = settled();
    // Everybody has handed over, and has had the time to end all telling: former desks matter no more.
    if (all && now - changed_at_ >= timing_.duty_patience) {
        source_.forget_former();
    }
    if (all) {
        unsettled_since_.reset();
    } else if (!unsettled_since_) {
        unsettled_since_ = now;
    }
    const bool impatient = unsettled_since_ && now - *unsettled_since_ >= timing_.duty_patience;
    if (!all && !impatient) {
        return;
    }
    if (impatient && desk_.may_act()) {
        ++tally_.impatient;
    }
    desk_.act(now, all, out.changed);
    tally_.changes += out.changed.size();
}

void Duties::serve(Instant now, OriginId oid, Line& line, Out& out) {
    note_handed_over(line);
    // The last mail was acknowledged: compose the next.
    if (!line.outstanding && owes(oid, line.tie)) {
        DutyMail mail;
        source_.compose(line.tie, mail);
        outbox_.compose(line.tie, mail);
        desk_.compose(line.tie, mail);
        inbox_.compose({oid, line.tie}, limits_, mail);
        if (!mail.empty()) {
            tally_.reports_sent += mail.reports.size();
            mail.seq = ++line.sent;
            line.outstanding = std::move(mail);
            line.again_at = now;
        }
    }
    // First sending or repetition. Acknowledgement and view are always the latest.
    if (line.outstanding && line.again_at <= now) {
        ++tally_.mails_sent;
        line.again_at = now + timing_.duty_retry;
        line.outstanding->ack = line.taken;
        line.outstanding->view_no = view_no_;
        out.mails.emplace_back(oid, *line.outstanding);
    } else if (line.ack_due) {
        out.mails.emplace_back(oid, DutyMail{.ack = line.taken, .view_no = view_no_});
    }
    line.ack_due = false;
}

void Duties::work(Instant now, Out& out) {
    // Most turns of the hub have nothing to do with duties.
    if (!changed_ && (!quiet_until_ || now < *quiet_until_)) {
        return;
    }
    // The order matters: knowledge from the desk must reach the source before mails are composed, and this node must
    // have taken in its own words before the desk acts. The desk answers after acting, as other members are answered:
    // before, the desk would call its own word open, and call the word dealt with a turn later.
    inbox_.work(now);
    desk_.work(now);
    out.revoked = desk_.take_revoked();
    tally_.revoked += out.revoked.size();
    hand_on(now);
    source_.work();
    outbox_.work();
    hear_self(now);
    act(now, out);
    answer_self(now);
    for (auto& [oid, line] : lines_) {
        serve(now, oid, line, out);
    }
    out.perform = std::exchange(performs_, {});
    tally_.tasks += out.perform.size();
    changed_ = false;
    quiet_until_ = first_deadline();
}

std::optional<Instant> Duties::next_deadline() const {
    return changed_ ? first_deadline() : quiet_until_;
}

bool Duties::busy() const {
    const bool may_act = begun_ && !parted_ && !unsettled_since_ && desk_.may_act();
    return may_act || source_.working() || outbox_.working() || desk_.working() || owes(self_, kOwnTie);
}

std::optional<Instant> Duties::first_deadline() const {
    if (busy()) {
        return Instant{};
    }
    std::optional<Instant> next;
    const auto consider = [&next](const std::optional<Instant>& at) {
        if (at && (!next || *at < *next)) {
            next = at;
        }
    };
    consider(desk_.next_deadline());
    consider(inbox_.next_deadline());
    if (begun_ && !parted_ && unsettled_since_ && desk_.may_act()) {
        consider(*unsettled_since_ + timing_.duty_patience);
    }
    if (begun_ && !parted_ && !unsettled_since_ && source_.has_former()) {
        consider(changed_at_ + timing_.duty_patience);
    }
    for (const auto& [oid, line] : lines_) {
        if (line.outstanding) {
            consider(line.again_at);
        } else if (owes(oid, line.tie)) {
            consider(Instant{});
        }
    }
    return next;
}

bool Duties::may_part_from(OriginId from) const {
    const Line& line = lines_.at(from);
    return delivered(from) && (!members_.contains(line.tie) || !line.leaving || line.last);
}

bool Duties::all_told() const {
    return !begun_ || (settled() && desk_.items() == 0 && source_.items() == 0 && outbox_.waiting() == 0 &&
                       inbox_.under_way() == 0);
}

bool Duties::delivered(OriginId to) const {
    const Line& line = lines_.at(to);
    return !line.outstanding && !owes(to, line.tie) && !busy() && desk_.finishing() == 0;
}

}  // namespace tulle::mesh

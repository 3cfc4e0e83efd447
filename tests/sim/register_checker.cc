#include "tests/sim/register_checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace henge::sim {
namespace {

// Sets that one search looks at; a key of a run has few writes under way at once, so that no search comes near.
constexpr int kSearchMax = 20'000;

// The strict reads and all the writes of one key.
class KeyJudge {
 public:
  KeyJudge(const History& history, std::string key, Violations* out);
  void Judge();

 private:
  using Writes = std::vector<bool>;  // a set, by index; always with all that its writers had seen

  void Add(size_t write, Writes* set) const;
  // What is left of `set`: by index, those to be seen. Who was minted twice may be seen or not (P8).
  std::vector<size_t> LeftOf(const Writes& set) const;
  Writes Owed(const ReadRecord& read) const;
  void JudgeRead(const ReadRecord& read);
  bool Explains(const Writes& set, const std::vector<bool>& shown, const ReadRecord& read, int* looks) const;
  void Learn(const ReadRecord& read);
  void Report(const ReadRecord& read, const std::string& what) const;

  const std::string key_;
  Violations* const out_;
  std::vector<const MutationRecord*> writes_;
  std::map<MutationId, size_t> index_;
  std::vector<Writes> past_;  // of each write: all that its writer had seen, and itself
  std::vector<const ReadRecord*> reads_;
  std::map<const ReadRecord*, Writes> owed_;  // of the reads judged so far; looked up only
  Writes read_before_;                        // what ended reads had shown
  Writes replaced_once_;                      // what ended reads had found replaced
};

KeyJudge::KeyJudge(const History& history, std::string key, Violations* out) : key_(std::move(key)), out_(out) {
  for (const MutationRecord& m : history.mutations()) {
    if (m.key != key_ || m.status == OpStatus::kFail) continue;
    index_[m.id] = writes_.size();
    writes_.push_back(&m);
  }
  for (const MutationRecord* m : writes_) {
    Writes past(writes_.size(), false);
    for (MutationId id : history.Ancestors({m->id})) {
      if (const auto at = index_.find(id); at != index_.end()) past[at->second] = true;
    }
    past[index_[m->id]] = true;
    past_.push_back(std::move(past));
  }
  for (const ReadRecord& read : history.reads()) {
    if (read.key == key_ && read.strict && !read.final) reads_.push_back(&read);
  }
  read_before_.assign(writes_.size(), false);
  replaced_once_.assign(writes_.size(), false);
}

void KeyJudge::Add(size_t write, Writes* set) const {
  for (size_t i = 0; i < set->size(); ++i) (*set)[i] = (*set)[i] || past_[write][i];
}

std::vector<size_t> KeyJudge::LeftOf(const Writes& set) const {
  Writes replaced(set.size(), false);
  for (size_t w = 0; w < set.size(); ++w) {
    if (!set[w]) continue;
    for (MutationId seen : writes_[w]->observed) {
      if (const auto at = index_.find(seen); at != index_.end()) replaced[at->second] = true;
    }
  }
  std::vector<size_t> left;
  for (size_t w = 0; w < set.size(); ++w) {
    if (set[w] && !replaced[w] && !writes_[w]->is_delete && writes_[w]->times_minted <= 1) left.push_back(w);
  }
  return left;
}

// What every order has before the read.
KeyJudge::Writes KeyJudge::Owed(const ReadRecord& read) const {
  Writes owed = read_before_;
  for (size_t w = 0; w < writes_.size(); ++w) {
    const MutationRecord& m = *writes_[w];
    if (m.strict && m.status == OpStatus::kOk && m.done_at < read.invoked_at) Add(w, &owed);
  }
  for (MutationId value : read.values) {
    if (const auto at = index_.find(value); at != index_.end()) Add(at->second, &owed);
  }
  return owed;
}

// Whether `set`, with some of the writes that may come before the read, leaves what it shows.
bool KeyJudge::Explains(const Writes& set, const std::vector<bool>& shown, const ReadRecord& read, int* looks) const {
  if (++*looks > kSearchMax) return true;
  const std::vector<size_t> left = LeftOf(set);
  std::vector<bool> is_left(set.size(), false);
  for (size_t w : left) is_left[w] = true;
  std::optional<size_t> hidden;
  for (size_t w = 0; w < set.size(); ++w) {
    const bool judged = writes_[w]->times_minted <= 1;
    if (shown[w] && judged && !is_left[w]) return false;  // more writes replace it no less
    if (is_left[w] && !shown[w] && !hidden.has_value()) hidden = w;
  }
  if (!hidden.has_value()) return true;
  for (size_t x = 0; x < set.size(); ++x) {
    if (set[x] || !past_[x][*hidden] || writes_[x]->invoked_at > read.done_at) continue;
    Writes more = set;
    Add(x, &more);
    if (Explains(more, shown, read, looks)) return true;
  }
  return false;
}

void KeyJudge::Report(const ReadRecord& read, const std::string& what) const {
  out_->push_back({"I20", absl::StrCat("a strict read of ", key_, " by client ", read.client, " shows {",
                                       absl::StrJoin(read.values, ","), "}: ", what)});
}

void KeyJudge::JudgeRead(const ReadRecord& read) {
  const Writes& owed = owed_[&read] = Owed(read);
  std::vector<bool> shown(writes_.size(), false);
  for (MutationId value : read.values) {
    if (const auto at = index_.find(value); at != index_.end()) shown[at->second] = true;
  }
  for (size_t w = 0; w < writes_.size(); ++w) {
    if (!shown[w] || !replaced_once_[w] || writes_[w]->times_minted > 1) continue;
    return Report(read, absl::StrCat("a read that had ended found v", writes_[w]->id, " replaced"));
  }
  int looks = 0;
  if (Explains(owed, shown, read, &looks)) return;
  std::vector<MutationId> left;
  for (size_t w : LeftOf(owed)) left.push_back(writes_[w]->id);
  Report(read,
         absl::StrCat("no order of the writes leaves that; those it must know leave {", absl::StrJoin(left, ","), "}"));
}

void KeyJudge::Learn(const ReadRecord& read) {
  const Writes& owed = owed_.at(&read);
  const std::set<MutationId> values(read.values.begin(), read.values.end());
  for (size_t w = 0; w < writes_.size(); ++w) {
    if (values.contains(writes_[w]->id)) Add(w, &read_before_);
    const bool gone = owed[w] && !writes_[w]->is_delete && !values.contains(writes_[w]->id);
    replaced_once_[w] = replaced_once_[w] || gone;
  }
}

// Reads in the order in which they begin; before each, what those that have ended tell is learnt.
void KeyJudge::Judge() {
  std::vector<const ReadRecord*> ended = reads_;
  const auto by = [](auto field) {
    return [field](const ReadRecord* a, const ReadRecord* b) { return a->*field < b->*field; };
  };
  std::stable_sort(reads_.begin(), reads_.end(), by(&ReadRecord::invoked_at));
  std::stable_sort(ended.begin(), ended.end(), by(&ReadRecord::done_at));
  size_t next = 0;
  for (const ReadRecord* read : reads_) {
    for (; next < ended.size() && ended[next]->done_at < read->invoked_at; ++next) {
      Learn(*ended[next]);
    }
    JudgeRead(*read);
  }
}

}  // namespace

void CheckRegular(const History& history, Violations* out) {
  std::set<std::string> keys;
  for (const ReadRecord& read : history.reads()) {
    if (read.strict && !read.final) keys.insert(read.key);
  }
  for (const std::string& key : keys) KeyJudge(history, key, out).Judge();
}

}  // namespace henge::sim

"""Files and functions have a limit; the allow-list is a ratchet that only goes one way."""

import unittest

from support import TreeCase

from checks import sizes, tree

ALLOW_LIST = "scripts/checks/size_allowlist.txt"


def body(lines):
    return "".join(f"  Step({i});\n" for i in range(lines))


def function(head, lines):
    """A function of exactly `lines` lines."""
    return f"{head} {{\n{body(lines - 2)}}}\n"


class SizesTest(TreeCase):
    def test_a_function_of_seventy_lines_passes_and_one_more_is_caught(self):
        self.assert_clean({"storage/ok.cc": function("void Store::Open(int a)", 70)})
        self.assert_caught("storage/planted.cc", "int x;\n\n" + function("void Store::Open(int a)", 71), "function-size",
                           "Store::Open", "71 lines", line=3)

    def test_a_file_of_five_hundred_lines_passes_and_one_more_is_caught(self):
        self.assert_clean({"storage/ok.cc": "int x;\n" * 500})
        self.assert_caught("storage/planted.cc", "int x;\n" * 501, "file-size", "501 lines")

    def test_an_allowed_function_may_stay_but_not_grow(self):
        self.plant({ALLOW_LIST: "function storage/long.cc Store::Open 80  # reads as one list\n"})
        self.assert_clean({"storage/long.cc": function("void Store::Open()", 80)})
        self.plant({"storage/long.cc": function("void Store::Open()", 81)})
        self.assertIn("grew past the 80", self.run_check().stdout)

    def test_an_allowance_that_is_not_needed_must_go(self):
        self.plant({ALLOW_LIST: "file storage/short.cc 600\n", "storage/short.cc": "int x;\n"})
        result = self.run_check()
        self.assertEqual(result.returncode, 1)
        self.assertIn("[stale-allowance]", result.stdout)
        self.assertIn("remove its line", result.stdout)


class FunctionsTest(unittest.TestCase):
    """What counts as a function."""

    def names(self, text):
        return [(name, size) for name, _, size in sizes.functions(tree.strip_comments_and_literals(text))]

    def test_methods_inside_classes_and_namespaces(self):
        text = "namespace henge {\nclass A : public B {\n public:\n  int Get() const { return 1; }\n};\n}\n"
        self.assertEqual(self.names(text), [("Get", 1)])

    def test_constructor_with_braced_initialisers(self):
        text = "A::A(int x)\n    : a_(x), b_{x},\n      c_{1} {\n  Go();\n}\nint Next() {\n  return 1;\n}\n"
        self.assertEqual(self.names(text), [("A::A", 5), ("Next", 3)])

    def test_templates_operators_and_trailing_types(self):
        text = ("template <class T>\nT Max(T a) { return a; }\nbool operator<(A a, A b) { return true; }\n"
                "auto F(int a) -> int {\n  return a;\n}\n")
        self.assertEqual(self.names(text), [("Max", 1), ("operator<", 1), ("F", 3)])

    def test_tables_enums_and_lambdas_inside_are_not_functions_of_their_own(self):
        text = ("constexpr int kTable[] = {\n  1,\n};\nenum class E { kA };\n"
                "void F() {\n  auto g = [](int a) {\n    return a;\n  };\n}\n")
        self.assertEqual(self.names(text), [("F", 5)])

    def test_macros_that_open_tests(self):
        self.assertEqual(self.names("TEST(RingTest, Golden) {\n  Go();\n}\n"), [("TEST", 3)])


if __name__ == "__main__":
    unittest.main()

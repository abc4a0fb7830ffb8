// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// The compiler accepts functions without body, see main.go, only beside assembly.

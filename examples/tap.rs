// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A tap of one's own from Rust, with declarations as bindgen makes them of nestnet.h.
//
//     rustc tap.rs -C link-args="$(pkg-config --libs libnestnet)"
//     ./tap virbr0

use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::fs::File;
use std::os::fd::FromRawFd;
use std::{env, mem, process, ptr};

const NESTNET_TAP_EPHEMERAL: c_uint = 1 << 6;

#[repr(C)]
struct OpenOptions {
    size: usize,
    flags: c_uint,
    vnet_hdr_len: c_uint,
    offloads: c_uint,
    ifindex: u32,
}

#[repr(C)]
struct TapOptions {
    size: usize,
    flags: c_uint,
    bridge: *const c_char,
    addresses: *const c_void,
    n_addresses: usize,
    owner: u32,
    group: u32,
    queues: c_uint,
    mac: *const u8,
    mtu: u32,
    guards: *const c_void,
    n_guards: usize,
    lease: *const c_void,
    open: *const OpenOptions,
}

type Context = c_void;
type Transaction = c_void;

extern "C" {
    fn nestnet_new(ret: *mut *mut Context, netns: *const c_char) -> c_int;
    fn nestnet_free(ctx: *mut Context) -> *mut Context;
    fn nestnet_errmsg(ctx: *const Context) -> *const c_char;
    fn nestnet_transaction_new(ctx: *mut Context, ret: *mut *mut Transaction) -> c_int;
    fn nestnet_transaction_free(tx: *mut Transaction) -> *mut Transaction;
    fn nestnet_transaction_commit(tx: *mut Transaction) -> c_int;
    fn nestnet_transaction_ifname(tx: *const Transaction, index: usize) -> *const c_char;
    fn nestnet_transaction_take_fds(tx: *mut Transaction, i: usize, fds: *mut c_int, n: usize)
        -> c_int;
    fn nestnet_tap_add(tx: *mut Transaction, name: *const c_char, options: *const TapOptions)
        -> c_int;
}

/// The tap's name, and its only descriptor: the tap ends when that is dropped.
unsafe fn open_tap(ctx: *mut Context, bridge: &CStr) -> Result<(String, File), c_int> {
    // All zero is every option at its default.
    let how = OpenOptions { size: mem::size_of::<OpenOptions>(), ..mem::zeroed() };
    let tap = TapOptions {
        size: mem::size_of::<TapOptions>(),
        flags: NESTNET_TAP_EPHEMERAL,
        bridge: bridge.as_ptr(),
        open: &how,
        ..mem::zeroed()
    };
    let pattern = CString::new("vm%d").unwrap();
    let (mut tx, mut fd, mut name) = (ptr::null_mut(), -1, String::new());
    let mut r = nestnet_transaction_new(ctx, &mut tx);
    if r == 0 {
        r = nestnet_tap_add(tx, pattern.as_ptr(), &tap);
    }
    if r == 0 {
        r = nestnet_transaction_commit(tx);
    }
    if r == 0 {
        r = nestnet_transaction_take_fds(tx, 0, &mut fd, 1);
    }
    if r == 0 {
        name = CStr::from_ptr(nestnet_transaction_ifname(tx, 0)).to_string_lossy().into();
    }
    nestnet_transaction_free(tx);
    if r == 0 { Ok((name, File::from_raw_fd(fd))) } else { Err(r) }
}

fn main() {
    let bridge = CString::new(env::args().nth(1).unwrap_or_default()).unwrap();
    let mut ctx = ptr::null_mut();
    unsafe {
        let mut r = nestnet_new(&mut ctx, ptr::null());
        if r == 0 {
            match open_tap(ctx, &bridge) {
                Ok((name, _file)) => println!("{name} is open"),
                Err(code) => r = code,
            }
        }
        if r != 0 && !ctx.is_null() {
            eprintln!("{}", CStr::from_ptr(nestnet_errmsg(ctx)).to_string_lossy());
        }
        nestnet_free(ctx);
        process::exit(if r == 0 { 0 } else { 1 });
    }
}
